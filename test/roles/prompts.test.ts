import { expect, it } from 'vitest'
import { CHARTERS, charter } from '../../src/roles/prompt.ts'
import { HANDLERS } from '../../src/roles/registry.ts'
import type { RoleJob, StepContext } from '../../src/roles/types.ts'
import type { Step, StepKind, Task } from '../../src/core/task/types.ts'
import type { Reviewed } from '../../src/core/review/findings.ts'
import type { Checkout } from '../../src/workspace/types.ts'
import { baseline, design, opened, patch, proof, spec } from '../support/tasks.ts'
import { BARE_MACHINE } from '../support/machine.ts'
import { NO_OUTFIT } from '../../src/workspace/types.ts'

/** What a model is told in each step, word for word: a change of any word is seen in the diff of these files, and in the version. */

class Asked extends Error {}

const FILES: Readonly<Record<string, string>> = {
  'AGENTS.md': 'Tabs, not spaces.',
  'src/a.ts': 'export const total = (a: number) => a\n',
  'package.json': '{"scripts":{"test":"node --test"}}',
}

const clone = (sha: string): Checkout => ({
  dir: '/nowhere',
  sha,
  async run(argv) {
    if (argv.includes('test/a.test.ts') && argv[2]?.includes('printf'))
      return { exitCode: 0, timedOut: false, output: 'test/a.test.ts\n', seconds: 1 }
    const output = argv.join(' ').includes('git ls-files')
      ? Object.keys(FILES).join('\n')
      : argv.includes('grep')
        ? 'src/a.ts:1:export const total = (a: number) => a'
        : argv.includes('diff')
          ? 'diff --git a/src/a.ts b/src/a.ts\n-a\n+b'
          : ''
    return { exitCode: 0, timedOut: false, output, seconds: 1 }
  },
  diff: async () => ({ diff: '', files: [] }),
  disregard: async () => {},
  isSetUp: false,
  outfit: NO_OUTFIT,
  // The new test fails without the change, and passes with it.
  exec: async (command) =>
    command.includes('node --test') && sha === 'base'
      ? { exitCode: 1, timedOut: false, output: 'not ok 1 - totals', seconds: 1 }
      : { exitCode: 0, timedOut: false, output: '', seconds: 1 },
  switchTo: async () => {},
  fillFrom: async () => {},
  others: [],
  settle: async () => {},
  keepBuilt: async () => {},
  dispose: async () => {},
})

/** The job that a step of a kind gives its model. */
async function jobOf(kind: StepKind, more: Partial<Task>, rework?: Step['rework']): Promise<RoleJob<unknown>> {
  const { task: begun } = opened()
  const task: Task = { ...begun, baseline: baseline(), ...more }
  let job: RoleJob<unknown> | undefined
  const step: Step = {
    id: kind,
    kind,
    role: 'sd',
    needs: [],
    status: 'running',
    attempt: 1,
    startedAt: 1,
    endedAt: undefined,
    costUsd: 0,
    turns: 0,
    error: undefined,
    rework,
    release: undefined,
  }
  const unused = () => Promise.reject(new Error('not used here'))
  const context: StepContext = {
    task,
    step,
    nonce: 'abcdef123456',
    signal: new AbortController().signal,
    mayAct: () => {},
    git: {
      resolve: async (_, ref) => (ref.startsWith('refs/pull/') ? 'head' : 'base'),
      checkout: async (_, sha) => clone(sha),
      show: async (_, __, path) => FILES[path],
      mergeBase: async () => 'base',
      files: async () => Object.keys(FILES).map((path) => ({ path, object: path })),
      openBranches: async () => [],
      branchesWith: unused,
      changedFiles: async () => ['test/a.test.ts', 'src/a.ts'],
      commitAndPush: unused,
      joined: unused,
      archive: unused,
      treeOf: async () => 'tree',
      mends: async () => false,
      isAncestor: unused,
      log: unused,
      merges: unused,
    },
    releases: {} as never,
    machine: BARE_MACHINE,
    parts: async () => [],
    during: (_, work) => work(),
    agent: async (asked) => {
      job = asked as RoleJob<unknown>
      throw new Asked()
    },
  }
  await HANDLERS.of(kind)(context).catch((error: unknown) => {
    if (!(error instanceof Asked)) throw error
  })
  if (!job) throw new Error(`${kind} asked no model`)
  return job
}

const PULL = { ...opened().task.origin, isPullRequest: true, pull: { base: 'main' } }
const REVIEWED: Reviewed = {
  headSha: 'before',
  baseSha: 'base',
  left: [],
  looked: 'All of it.',
  findings: [
    {
      path: 'src/a.ts',
      from: 1,
      to: 1,
      severity: 'high',
      title: 'Totals are wrong',
      detail: 'x',
      suggestion: '',
      replacement: null,
      test: null,
      anchor: 'export',
      isInline: true,
      evidence: undefined,
    },
  ],
}
const planned = { spec: spec(), design: design() }
const built = { ...planned, baseSha: 'base', headSha: 'head', patches: [patch()] }
interface Case {
  readonly name: string
  readonly kind: StepKind
  readonly task: Partial<Task>
  readonly rework?: Step['rework']
}
const CASES: readonly Case[] = [
  { name: 'spec', kind: 'spec', task: {} },
  { name: 'plan', kind: 'plan', task: {} },
  { name: 'design', kind: 'design', task: { spec: spec() } },
  { name: 'answer', kind: 'answer', task: { spec: spec({ kind: 'question' }) } },
  { name: 'build', kind: 'build', task: planned },
  { name: 'rework after a proof', kind: 'rework', task: built, rework: { why: 'proof', proof: proof('head', false) } },
  {
    name: 'rework after a check',
    kind: 'rework',
    task: built,
    rework: { why: 'check', name: 'ci', headSha: 'head', text: 'red' },
  },
  { name: 'prove', kind: 'prove', task: built },
  { name: 'triage', kind: 'triage', task: { ...built, failedChecks: [{ name: 'ci', headSha: 'head', text: 'red' }] } },
  { name: 'critique', kind: 'critique', task: built },
  { name: 'review', kind: 'review', task: { origin: PULL } },
  { name: 'review once more', kind: 'review', task: { origin: PULL, reviews: [REVIEWED] } },
]

it.each(CASES)('$name', async ({ name, kind, task, rework }) => {
  const job = await jobOf(kind, task, rework)
  const text = [
    `version: ${job.version?.replace(/@.*/, '')}`,
    `tier: ${job.tier}; may: ${job.permissions.join(', ')}${job.notYet ? `; not yet: ${job.notYet}` : ''}`,
    '=== system',
    job.system,
    '=== prompt',
    job.prompt,
    ...(job.continues ? ['=== or, gone on with', job.continues.prompt] : []),
  ].join('\n\n')
  await expect(`${text}\n`).toMatchFileSnapshot(`golden/${name.replaceAll(' ', '-')}.md`)
})

it('a prompt has a version that changes with its words, and there is none without a name', () => {
  const versions = CHARTERS.map((name) => charter(name).version)
  expect(new Set(versions).size).toBe(CHARTERS.length)
  for (const version of versions) expect(version).toMatch(/^[a-z]+@[0-9a-f]{8}$/)
  expect(() => charter('nobody' as 'pm')).toThrow('no prompt nobody')
})

it('the rules of the house and the instructions are the same for every role: a prompt cache finds them', async () => {
  const systems = await Promise.all(
    CASES.map(async ({ kind, task, rework }) => (await jobOf(kind, task, rework)).system),
  )
  expect(new Set(systems).size).toBe(1)
  expect(systems[0]).toContain('Tabs, not spaces.')
})
