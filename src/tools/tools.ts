import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { registry } from '../core/registry.ts'
import type { Role } from '../core/roles.ts'
import { clip } from '../core/sanitise.ts'
import type { Permission, Tool, ToolContext, ToolOutput } from './types.ts'

const INSIDE = readFileSync(new URL('./inside.mjs', import.meta.url), 'utf8')
const path = z.string().min(1).max(500).describe('A path relative to the root of the repository.')
const Answer = z.object({ ok: z.boolean(), text: z.string() })

/** Declares a tool whose input is checked before anything happens. */
export function defineTool<T>(
  definition: Omit<Tool, 'call' | 'input'> & {
    input: z.ZodType<T>
    act: (input: T, context: ToolContext) => Promise<ToolOutput>
  },
): Tool {
  const { act, ...rest } = definition
  return {
    ...rest,
    async call(raw, context) {
      const parsed = definition.input.safeParse(raw)
      return parsed.success
        ? act(parsed.data, context)
        : { text: `wrong input: ${z.prettifyError(parsed.error)}`, isError: true }
    },
  }
}

async function inside(op: string, input: unknown, { checkout }: ToolContext): Promise<ToolOutput> {
  const result = await checkout.run(['node', '--input-type=module', '-e', INSIDE], {
    stdin: JSON.stringify({ op, input }),
    timeoutMs: 30_000,
    maxOutput: 4_000_000,
  })
  const line = result.output.slice(result.output.lastIndexOf('{"ok":'))
  const answer = Answer.safeParse(parseJson(line))
  if (!answer.success) return { text: `the tool failed: ${clip(result.output, 2000)}`, isError: true }
  return { text: clip(answer.data.text), isError: !answer.data.ok }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const read = defineTool({
  name: 'read',
  permission: 'read',
  changesTree: false,
  description: 'Read a file, with line numbers.',
  input: z.object({
    path,
    from: z.int().min(1).optional().describe('First line, 1 when left out.'),
    lines: z.int().min(1).max(2000).optional(),
  }),
  act: (input, context) => inside('read', input, context),
})

const list = defineTool({
  name: 'list',
  permission: 'read',
  changesTree: false,
  description: 'List the files below a folder, at most 500.',
  input: z.object({ path: path.optional() }),
  act: (input, context) => inside('list', input, context),
})

const search = defineTool({
  name: 'search',
  permission: 'read',
  changesTree: false,
  description: 'Search the files for an extended regular expression; answers path:line:text.',
  input: z.object({ pattern: z.string().min(1).max(500), path: path.optional() }),
  async act(input, { checkout }) {
    const where = input.path ?? '.'
    if (where.startsWith('/') || where.split('/').includes('..'))
      return { text: `${where} is outside the repository`, isError: true }
    const result = await checkout.run(
      [
        'grep',
        '-rnIE',
        '--exclude-dir=.git',
        '--exclude-dir=node_modules',
        '--max-count=50',
        '-e',
        input.pattern,
        '--',
        where,
      ],
      { timeoutMs: 30_000 },
    )
    if (result.exitCode === 1) return { text: 'nothing found', isError: false }
    // In an order of our own: that of the folders is different on every machine.
    const lines = result.output
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/^\.\//, ''))
    return { text: clip(lines.toSorted(byPlace).join('\n')), isError: result.exitCode !== 0 }
  },
})

/** By path, then by line number. */
function byPlace(a: string, b: string): number {
  const [, pathA = a, lineA = '0'] = /^(.*?):(\d+):/.exec(a) ?? []
  const [, pathB = b, lineB = '0'] = /^(.*?):(\d+):/.exec(b) ?? []
  return pathA === pathB ? Number(lineA) - Number(lineB) : pathA < pathB ? -1 : 1
}

async function changing(op: string, input: { path: string }, context: ToolContext): Promise<ToolOutput> {
  const ruling = context.mayWrite(input.path.replace(/^\.\//, ''))
  return ruling.ok ? inside(op, input, context) : { text: ruling.detail, isError: true }
}

const edit = defineTool({
  name: 'edit',
  permission: 'write',
  changesTree: true,
  description: 'Replace a text that stands exactly once in a file. Answers with the lines as they are then.',
  input: z.object({ path, old: z.string().max(200_000), new: z.string().max(200_000) }),
  act: (input, context) => changing('edit', input, context),
})

const write = defineTool({
  name: 'write',
  permission: 'write',
  changesTree: true,
  description: 'Write a whole file, new or over an old one.',
  input: z.object({ path, content: z.string().max(1_000_000) }),
  act: (input, context) => changing('write', input, context),
})

const runCommand = defineTool({
  name: 'run',
  permission: 'run',
  changesTree: true,
  description:
    'Run a command with /bin/sh at the root of the repository. The exit code comes first, then the output (of a long one the first and last part). In a pipe the exit code is that of the last command. No network.',
  input: z.object({ command: z.string().min(1).max(10_000) }),
  async act(input, { checkout, timeoutMs }) {
    const result = await checkout.run(['/bin/sh', '-c', input.command], { timeoutMs })
    const head = result.timedOut
      ? `no end after ${Math.round(timeoutMs / 1000)} s, stopped`
      : `exit code ${result.exitCode}`
    return { text: clip(`${head}\n${result.output}`), isError: result.timedOut }
  },
})

/** Every tool, one line each, by what models call it. */
export const TOOLS = registry<'read' | 'list' | 'search' | 'edit' | 'write' | 'run', Tool>('the tool', {
  read,
  list,
  search,
  edit,
  write,
  run: runCommand,
})

/** The tools that a role is given with some permissions. */
export function toolsFor(permissions: readonly Permission[], role: Role): Tool[] {
  return TOOLS.all().filter(
    (one) => permissions.includes(one.permission) && (one.roles === undefined || one.roles.includes(role)),
  )
}
