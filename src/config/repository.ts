import { LineCounter, parseDocument, type Document as YamlDocument } from 'yaml'
import { z } from 'zod'
import {
  DEFAULT_LIMITS,
  DEFAULT_SCHEDULE,
  type EnvironmentSettings,
  type RepositorySettings,
  SERVICES,
} from '../core/settings.ts'
import { IMAGE } from '../core/image.ts'
import { inFolder, isPlain } from '../core/packages.ts'
import { span } from '../core/span.ts'
import { isPlainPath } from '../core/submodules.ts'
import { TOOL_NAMES } from '../core/toolchains.ts'
import { TARGETS } from '../releases/registry.ts'

const command = z.string().min(1).max(2000)

/** An environment, by its target. */
function environment() {
  const [first, ...others] = TARGETS.all().map(({ settings }) => settings)
  if (!first) throw new Error('there is no target')
  const error = `one of ${TARGETS.names().join(', ')}`
  return z.discriminatedUnion('target', [first, ...others], {
    error: ({ code }) => (code === 'invalid_union' ? error : undefined),
  })
}

const FILE = {
  mention: z
    .string()
    .regex(/^[\w-]{1,39}$/)
    .default('muster')
    .describe('What Muster is called in comments, without @.'),
  label: z.string().min(1).max(50).default('muster').describe('The label that starts the work.'),
  approve_plan: z
    .enum(['always', 'medium', 'high', 'never'])
    .default('medium')
    .describe('From which risk on a person approves the plan.'),
  budget: z.number().min(0).max(10_000).default(5).describe('Dollars a task may cost before people are asked.'),
  schedule: z
    .strictObject({
      policy: z
        .enum(['sequential', 'parallel', 'hybrid', 'adaptive'])
        .default(DEFAULT_SCHEDULE.policy)
        .describe(
          'How many independent steps of a task are under way at once: one (`sequential`), all (`parallel`), at most `most` (`hybrid`), or fewer than that after failures and where the budget is short (`adaptive`).',
        ),
      most: z.int().min(1).max(64).default(DEFAULT_SCHEDULE.most).describe('So many at most.'),
    })
    .prefault({})
    .describe('Independent steps of one task, side by side. The budget is shared among those under way.'),
  limits: z
    .strictObject({
      turns: z
        .int()
        .min(5)
        .max(500)
        .default(DEFAULT_LIMITS.turns)
        .describe('Turns of the model that one step may take.'),
      time: span.default(DEFAULT_LIMITS.seconds).describe('How long one step may work.'),
    })
    .prefault({})
    .describe('Where a step stops. What it has made by then is kept, and `retry` goes on from there.'),
  planning: z
    .enum(['together', 'apart'])
    .default('together')
    .describe(
      'Whether spec and design of a small request are written in one go (`together`), or always by PM and then SA (`apart`).',
    ),
  privacy: z
    .enum(['any', 'local'])
    .default('any')
    .describe(
      "Where what is in the repository may go: to any model that is set up, or only to models on the operator's own machines (`local`).",
    ),
  review: z
    .strictObject({ quiet: span.default(20) })
    .prefault({})
    .describe('How long review comments are collected before they are taken as one batch.'),
  checks: z
    .strictObject({
      setup: command.optional().describe('Run once in a fresh clone, for instance to install what the tests need.'),
      setup_network: z
        .boolean()
        .default(false)
        .describe('Whether the set-up may use the network; the operator must allow it too.'),
      setup_scripts: z
        .boolean()
        .default(false)
        .describe(
          'Whether packages may run scripts of their own (npm’s `postinstall`, say) while a set-up with the network installs them.',
        ),
      image: z
        .string()
        .max(300)
        .regex(IMAGE, { error: 'the name of an image' })
        .optional()
        .describe(
          'The container image that the repository’s commands run in (Podman or Docker); `devcontainer` for the one that `devcontainer.json` names.',
        ),
      submodules: z
        .array(
          z.string().min(1).max(300).refine(isPlainPath, { error: 'the path of a submodule, such as libs/shared' }),
        )
        .max(20)
        .default([])
        .describe(
          'The submodules that come with a clone, by their paths: repositories of the same server that anybody may read, or that the operator lists. No other does, and none inside them.',
        ),
      services: z
        .array(z.enum(SERVICES))
        .default([])
        .describe(
          'What is started beside every command, fresh for each clone, and is reached on 127.0.0.1 alone: PostgreSQL (`DATABASE_URL`), Redis (`REDIS_URL`), MariaDB or MySQL (`MYSQL_HOST`).',
        ),
      runtimes: z
        .partialRecord(z.enum(TOOL_NAMES), z.union([z.string().min(1).max(40), z.number().transform(String)]))
        .default({})
        .describe(
          'Versions of languages and package managers (`node: "20"`, `python: "3.12"`); without them the repository’s own files say which (`.nvmrc`, `.tool-versions`, `go.mod` …).',
        ),
      packages: z
        .record(
          z
            .string()
            .max(200)
            .refine((folder) => isPlain(folder) && isPlainPath(folder), { error: 'a folder, such as services/api' }),
          z.strictObject({
            setup: command.optional(),
            test: command,
            test_files: command.optional(),
          }),
        )
        .default({})
        .describe(
          'Packages with commands of their own, by folder; each is run in its folder. What the others are run by is found, or stands above.',
        ),
      test: command.optional().describe('Runs the whole suite. Found from the repository when unset.'),
      test_files: command.optional().describe('Runs some test files; {files} stands for them.'),
      timeout: span.default(600),
    })
    .prefault({}),
  protect: z
    .strictObject({
      allow: z.array(z.string()).default([]).describe('Protected files that Muster may change all the same.'),
    })
    .prefault({}),
  tickets: z
    .strictObject({
      subtasks: z
        .boolean()
        .default(false)
        .describe('Make sub-tasks of a Jira ticket for the independent parts of its plan, once that is approved.'),
    })
    .prefault({}),
}

/** `.github/muster.yml`, as it is written. */
function fileSchema() {
  return z.strictObject({
    ...FILE,
    environments: z
      .record(z.string().regex(/^\w[\w.-]{0,63}$/), environment())
      .superRefine(inOrder)
      .default({}),
  })
}

/** Whatever an environment comes after is there, and does not come after it. */
function inOrder(all: Readonly<Record<string, EnvironmentSettings>>, context: z.RefinementCtx): void {
  const before = (name: string) => (Object.hasOwn(all, name) ? all[name]?.policy?.after : undefined)
  for (const name of Object.keys(all)) {
    const after = before(name)
    if (after === undefined) continue
    const seen = new Set([name])
    let next: string | undefined = after
    while (next !== undefined && !seen.has(next)) {
      seen.add(next)
      next = before(next)
    }
    const wrong = !Object.hasOwn(all, after)
      ? `there is no environment ${after}`
      : next !== undefined
        ? 'each waits for the other'
        : undefined
    if (wrong) context.addIssue({ code: 'custom', path: [name, 'after'], message: wrong })
  }
}

let made: { readonly targets: number; readonly schema: ReturnType<typeof fileSchema> } | undefined

/** The same, made anew only when a target has come. */
function repositoryFile(): ReturnType<typeof fileSchema> {
  const targets = TARGETS.names().length
  if (made?.targets !== targets) made = { targets, schema: fileSchema() }
  return made.schema
}

/** One thing that is wrong with a settings file. */
export interface Problem {
  readonly line: number
  readonly key: string
  readonly expected: string
}

export type Parsed =
  | { readonly ok: true; readonly settings: RepositorySettings }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const MAX_BYTES = 64 * 1024

/** Reads a settings file. Anything wrong is told by line and key; defaults never stand in for a bad value. */
export function parseRepositorySettings(text: string): Parsed {
  if (text.length > MAX_BYTES)
    return { ok: false, problems: [{ line: 1, key: '(file)', expected: `at most ${MAX_BYTES / 1024} KB` }] }
  const lines = new LineCounter()
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (yaml.errors.length > 0)
    return {
      ok: false,
      problems: yaml.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        key: '(syntax)',
        expected: `valid YAML: ${error.message}`,
      })),
    }
  let data: unknown
  try {
    data = yaml.toJS({ maxAliasCount: 20 }) ?? {}
  } catch {
    return { ok: false, problems: [{ line: 1, key: '(file)', expected: 'few YAML aliases' }] }
  }
  const result = repositoryFile().safeParse(data)
  if (result.success) return { ok: true, settings: settingsOf(result.data) }
  return { ok: false, problems: result.error.issues.flatMap((issue) => problemsOf(issue, yaml, lines)) }
}

/** What holds for a repository without a settings file. */
export function defaultRepositorySettings(): RepositorySettings {
  return settingsOf(repositoryFile().parse({}))
}

function problemsOf(issue: z.core.$ZodIssue, yaml: YamlDocument, lines: LineCounter): Problem[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      line: lineOf([...path, key], yaml, lines),
      key: [...path, key].join('.'),
      expected: 'no such key; see the documentation for those there are',
    }))
  }
  return [
    {
      line: lineOf(path, yaml, lines),
      key: path.join('.') || '(file)',
      expected: issue.message.replace(/^Invalid (input|option): /, ''),
    },
  ]
}

/** The line where a key stands, or its nearest parent that is there. */
function lineOf(path: readonly string[], yaml: YamlDocument, lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const node = yaml.getIn(path.slice(0, length), true)
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
      return lines.linePos(Number(node.range[0])).line
  }
  return 1
}

function settingsOf(file: z.infer<ReturnType<typeof fileSchema>>): RepositorySettings {
  const { checks } = file
  return {
    mention: file.mention,
    label: file.label,
    approvePlan: file.approve_plan,
    budgetUsd: file.budget,
    review: { quietSeconds: file.review.quiet },
    limits: { turns: file.limits.turns, seconds: file.limits.time },
    tickets: file.tickets,
    schedule: file.schedule,
    planning: file.planning,
    privacy: file.privacy,
    checks: {
      setup: setupOf(checks),
      setupNetwork: checks.setup_network,
      setupScripts: checks.setup_scripts,
      submodules: checks.submodules,
      runtimes: checks.runtimes,
      packages: Object.fromEntries(
        Object.entries(checks.packages).map(([folder, { test, test_files: testFiles }]) => [
          folder,
          { test, testFiles },
        ]),
      ),
      services: [...new Set(checks.services)],
      image: checks.image,
      test: checks.test,
      testFiles: checks.test_files,
      timeoutSeconds: checks.timeout,
    },
    protect: file.protect,
    order: Object.keys(file.environments),
    environments: file.environments,
  }
}

/** The set-up of the whole, then those of its packages, each in its folder. */
function setupOf({ setup, packages }: z.infer<ReturnType<typeof fileSchema>>['checks']): string | undefined {
  const own = Object.entries(packages).flatMap(([folder, one]) => (one.setup ? [inFolder(folder, one.setup)] : []))
  return own.length === 0 ? setup : [...(setup ? [inFolder('.', setup)] : []), ...own].join(' && ')
}

/** The published JSON schema of the settings file. */
export function repositorySchema(): unknown {
  return z.toJSONSchema(repositoryFile(), { io: 'input' })
}
