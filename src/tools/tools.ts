import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { registry } from '../core/registry.ts'
import type { Role } from '../core/roles.ts'
import { digestOf } from '../core/digest.ts'
import { clip } from '../core/sanitise.ts'
import { pathsOf, readPatch } from '../core/v4a.ts'
import { NoAnswer } from '../workspace/types.ts'
import { pictureOf, type Seen } from './pictures.ts'
import type { Permission, Tool, ToolContext, ToolOutput } from './types.ts'

const INSIDE = readFileSync(new URL('./inside.mjs', import.meta.url), 'utf8')
const path = z.string().min(1).max(500).describe('A path relative to the root of the repository.')
/** So much of what a command printed is shown; and how long it took only where that matters: else no two answers are alike. */
const MAX_OUTPUT = 8000
const SLOW_SECONDS = 10
/** What is shown bounds itself (`inside.mjs`); this is for what goes wrong there. */
const MAX_ANSWER = 40_000
const PATIENCE_MS = 30_000
const Answer = z.object({ ok: z.boolean(), text: z.string(), base64: z.string().optional() })

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
  // Readers of lines end them at these too (Unicode Standard, "Newline Guidelines").
  const question = JSON.stringify({ op, input }).replace(
    /[\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16)}`,
  )
  const asked = checkout.ask?.(INSIDE, question, PATIENCE_MS).catch((error: unknown) => {
    if (error instanceof NoAnswer) return error.message
    throw error
  })
  const output = (await asked) ?? (await answeredAfresh(checkout, question))
  const answer = Answer.safeParse(parseJson(output.slice(output.lastIndexOf('{"ok":'))))
  if (!answer.success) return { text: `the tool failed: ${clip(output, 2000)}`, isError: true }
  const text = clip(answer.data.text, MAX_ANSWER)
  return answer.data.base64 === undefined
    ? { text, isError: !answer.data.ok }
    : shownPicture(text, pictureOf(Buffer.from(answer.data.base64, 'base64')))
}

function shownPicture(path: string, seen: Seen): ToolOutput {
  if (typeof seen === 'string') return { text: `${path} is not shown: ${seen}`, isError: true }
  return { text: `${path}, a picture of ${seen.width} × ${seen.height} points`, isError: false, picture: seen.picture }
}

/** Where nothing can stay in the sandbox. */
async function answeredAfresh(checkout: ToolContext['checkout'], question: string): Promise<string> {
  const argv = ['node', '--input-type=module', '-e', INSIDE]
  return (await checkout.run(argv, { stdin: question, timeoutMs: PATIENCE_MS, maxOutput: 4_000_000 })).output
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
  description:
    'Read a file, with line numbers: whole up to 24,000 characters, else from `from` on as far as that goes; it says where to read on. Pictures (PNG, JPEG, GIF, WebP) are shown.',
  input: z.object({
    path,
    from: z.int().min(1).optional().describe('First line, 1 when left out.'),
    lines: z.int().min(1).max(2000).optional().describe('How many lines at most.'),
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

/** Ripgrep where the sandbox has it, which passes by what git ignores; else grep. Arguments: pattern, folder, glob (may be empty), lines around. */
const SEARCH = `if command -v rg >/dev/null 2>&1; then
  exec rg --no-config --line-number --with-filename --no-heading --color=never --hidden --max-columns=300 --max-columns-preview --max-count=50 --sort=path -C "$4" \
    -g '!.git' -g '!node_modules' \${3:+-g "$3"} -e "$1" -- "$2"
fi
exec grep -rnHIE --exclude-dir=.git --exclude-dir=node_modules --max-count=50 -C "$4" \${3:+--include="$3"} -e "$1" -- "$2"`
/** So much of what was found is shown. */
const MAX_FOUND = 12_000

const search = defineTool({
  name: 'search',
  permission: 'read',
  changesTree: false,
  description: 'Search the files for an extended regular expression; answers path:line:text, at most 50 lines a file.',
  input: z.object({
    pattern: z.string().min(1).max(500),
    path: path.optional(),
    glob: z.string().min(1).max(200).optional().describe('Only files of this name, such as *.ts'),
    context: z.int().min(0).max(20).optional().describe('So many lines around each.'),
  }),
  async act({ pattern, path: where = '.', glob = '', context = 0 }, { checkout }) {
    if (where.startsWith('/') || where.split('/').includes('..'))
      return { text: `${where} is outside the repository`, isError: true }
    const argv = ['/bin/sh', '-c', SEARCH, 'sh', pattern, where, glob, String(context)]
    const result = await checkout.run(argv, { timeoutMs: 30_000, maxOutput: 200_000 })
    if (result.exitCode === 1) return { text: 'nothing found', isError: false }
    const lines = result.output
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/^\.\//, ''))
    // In an order of our own: that of the folders is different on every machine. Lines around a match keep theirs.
    const sorted = context === 0 ? lines.filter((line) => line !== '--').toSorted(byPlace) : lines
    return { text: firstOf(sorted, MAX_FOUND), isError: result.exitCode !== 0 }
  },
})

/** Whole lines from the beginning, and how many are left out. */
function firstOf(lines: readonly string[], most: number): string {
  let size = 0
  const shown = lines.filter((line) => (size += line.length + 1) <= most)
  const left = lines.length - shown.length
  return left === 0 ? shown.join('\n') : `${shown.join('\n')}\n(${left} more lines: search for something narrower)`
}

/** By path, then by line number. */
function byPlace(a: string, b: string): number {
  const [, pathA = a, lineA = '0'] = /^(.*?):(\d+):/.exec(a) ?? []
  const [, pathB = b, lineB = '0'] = /^(.*?):(\d+):/.exec(b) ?? []
  return pathA === pathB ? Number(lineA) - Number(lineB) : pathA < pathB ? -1 : 1
}

async function changing<T extends { readonly path: string }>(
  op: string,
  input: T,
  context: ToolContext,
): Promise<ToolOutput> {
  const ruling = context.mayWrite(input.path.replace(/^\.\//, ''))
  return ruling.ok ? inside(op, input, context) : { text: ruling.detail, isError: true }
}

const replacement = {
  old: z.string().min(1).max(200_000).describe('As it stands in the file, to the space.'),
  new: z.string().max(200_000),
  all: z.boolean().optional().describe('Wherever it stands, rather than where it stands exactly once.'),
}
/** One replacement, or several of one file. */
const Edit = z
  .object({
    path,
    ...replacement,
    old: replacement.old.optional(),
    new: replacement.new.optional(),
    edits: z
      .array(z.object(replacement))
      .min(1)
      .max(50)
      .optional()
      .describe('Several at once, in order: all of them, or none.'),
  })
  .refine(({ old, new: by, edits }) => (edits ? old === undefined : old !== undefined && by !== undefined), {
    message: 'give `old` and `new`, or `edits`',
  })

const edit = defineTool({
  name: 'edit',
  permission: 'write',
  changesTree: true,
  description:
    'Replace a text that stands exactly once in a file, or several texts (`edits`). Answers with where they begin and end then.',
  input: Edit,
  act: ({ path: file, edits, old = '', new: by = '', all }, context) =>
    changing('edit', { path: file, edits: edits ?? [{ old, new: by, all }] }, context),
})

const write = defineTool({
  name: 'write',
  permission: 'write',
  changesTree: true,
  description: 'Write a whole file, new or over an old one.',
  input: z.object({ path, content: z.string().max(1_000_000) }),
  act: (input, context) => changing('write', input, context),
})

const applyPatch = defineTool({
  name: 'apply_patch',
  permission: 'write',
  changesTree: true,
  wants: 'patches',
  description:
    'Change several files at once, all of it or nothing, by a patch: "*** Begin Patch", then for each file "*** Add File: <path>" with its lines after "+", "*** Delete File: <path>", or "*** Update File: <path>" with hunks of lines after " ", "-" and "+" ("@@ <a line above>" where they stand in several places), then "*** End Patch".',
  input: z.object({ input: z.string().min(1).max(1_000_000) }),
  async act({ input }, context) {
    const changes = readPatch(input)
    if (typeof changes === 'string') return { text: `the patch cannot be read: ${changes}`, isError: true }
    for (const path of pathsOf(changes)) {
      const ruling = context.mayWrite(path.replace(/^\.\//, ''))
      if (!ruling.ok) return { text: `${path}: ${ruling.detail}`, isError: true }
    }
    return inside('patch', { changes }, context)
  },
})

const runCommand = defineTool({
  name: 'run',
  permission: 'run',
  changesTree: true,
  description:
    'Run a command with /bin/sh at the root of the repository; no network. The exit code comes first, then how long it took (where that is long), then the output (of more than 8,000 characters the first and last part, of failing tests the beginning of each; files are shown whole by `read`). In a pipe the exit code is that of the last command. `/tmp` is emptied after each command, `$HOME` stays for as long as you work; neither is part of the change.',
  input: z.object({ command: z.string().min(1).max(10_000) }),
  async act(input, { checkout, timeoutMs }) {
    const result = await checkout.exec(input.command, { timeoutMs })
    const head = result.timedOut
      ? `no end after ${Math.round(timeoutMs / 1000)} s, stopped`
      : `exit code ${result.exitCode}`
    const took = result.seconds >= SLOW_SECONDS && !result.timedOut ? `\n(it took ${Math.round(result.seconds)} s)` : ''
    return { text: `${head}${took}\n${digestOf(result.output, MAX_OUTPUT)}`, isError: result.timedOut }
  },
})

/** Every tool, one line each, by what models call it. */
export const TOOLS = registry<'read' | 'list' | 'search' | 'edit' | 'write' | 'apply_patch' | 'run', Tool>('the tool', {
  read,
  list,
  search,
  edit,
  write,
  apply_patch: applyPatch,
  run: runCommand,
})

/** The tools that a role is given with some permissions. */
export function toolsFor(permissions: readonly Permission[], role: Role): Tool[] {
  return TOOLS.all().filter(
    (one) => permissions.includes(one.permission) && (one.roles === undefined || one.roles.includes(role)),
  )
}
