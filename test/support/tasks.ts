import { defaultRepositorySettings } from '../../src/config/repository.ts'
import type { Deployed, Design, Patch, Proof, ReleasePlan, ReleaseReport, Spec } from '../../src/core/artefacts.ts'
import type { Baseline, BaselineFinding } from '../../src/core/baseline.ts'
import type { RepositorySettings } from '../../src/core/settings.ts'
import type { PersonCommand } from '../../src/core/deciding/commands.ts'
import { complete, type Outcome } from '../../src/core/deciding/decide.ts'
import type { Origin, Person, TaskEvent } from '../../src/core/task/types.ts'

/** Values for tests of the core. */
export const alice: Person = { id: 1, login: 'alice' }
export const bob: Person = { id: 2, login: 'bob' }

export const origin: Origin = {
  repository: { id: 9, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 },
  number: 5,
  isPullRequest: false,
  title: 'Totals are wrong',
  body: 'See the totals.',
  author: alice,
  requester: alice,
  trigger: 'label',
  nth: 1,
  request: '',
  url: 'http://github.test/acme/shop/issues/5',
}

export const settings: RepositorySettings = {
  ...defaultRepositorySettings(),
  // Each role by itself; `test/core/path.test.ts` has the short way.
  planning: 'apart',
  environments: {
    production: {
      target: 'local-process',
      build: undefined,
      start: 'node x',
      health: '/healthz',
      port: 8080,
      healthTimeoutSeconds: 5,
      watchSeconds: 5,
      auto: false,
      approval: 'other',
      env: {},
    },
  },
}

/** The tests before the change. */
export const baseline = (found: BaselineFinding = 'green'): Baseline => ({
  sha: 'base',
  under: 'settings',
  found,
  run:
    found === 'no_command'
      ? undefined
      : {
          command: found === 'no_setup' ? 'npm ci' : 'npm test --silent',
          exitCode: found === 'green' ? 0 : found === 'hangs' ? 124 : 1,
          seconds: 3,
          output: found === 'green' ? 'ok' : 'sh: vitest: not found',
          ...(found === 'hangs' ? { timedOut: true } : {}),
          ...(found === 'red' ? { failures: ['totals'] } : {}),
        },
})
export const spec = (extra: Partial<Spec> = {}): Spec => ({
  title: 'Right totals',
  kind: 'bugfix',
  problem: 'Totals are wrong.',
  acceptance: ['12 costs 3.84'],
  outOfScope: [],
  questions: [],
  risk: 'medium',
  riskReason: 'money',
  ...extra,
})
export const design = (approach = 'Sort by number.'): Design => ({
  approach,
  files: [{ path: 'src/a.ts', why: 'cause' }],
  tests: 'a test',
  slices: [{ title: 'all', files: [] }],
  filesAtRisk: [],
  quote: { usd: { low: 0.1, high: 1 }, minutes: { low: 1, high: 5 }, confidence: 'high' },
})
export const patch = (extra: Partial<Patch> = {}): Patch => ({
  note: { title: 'Sort by number', summary: 'Sorted.', notDone: '' },
  answers: [],
  parentSha: 'base',
  baseSha: 'base',
  diff: 'diff --git a/x b/x\n',
  files: ['src/a.ts', 'test/a.test.ts'],
  ...extra,
})
export const proof = (headSha: string, proved: boolean): Proof => ({
  headSha,
  baseSha: 'base',
  testFiles: ['test/a.test.ts'],
  red: undefined,
  green: undefined,
  suite: undefined,
  note: undefined,
  annotations: [],
  verdict: {
    proved,
    red: true,
    green: proved,
    suite: proved,
    reasons: [proved ? 'fine' : 'the new tests fail with the change'],
  },
})
export const releasePlan = (sha: string): ReleasePlan => ({
  environment: 'production',
  target: 'local process',
  sha,
  liveSha: undefined,
  commits: [],
  relation: 'first',
  url: 'http://x',
  watchSeconds: 5,
  approval: 'other',
  hash: `plan-${sha}`,
})
export const deployed = (sha: string, ok = true): Deployed => ({
  environment: 'production',
  sha,
  ok,
  url: 'http://x',
  releaseId: 'r',
  previousSha: undefined,
  log: '',
  error: ok ? undefined : 'no',
})
export const report = (sha: string): ReleaseReport => ({
  environment: 'production',
  sha,
  url: 'http://x',
  verdict: 'healthy',
  reasons: [],
  before: { seconds: 1, requests: 0, errors: 0, p50: undefined, p95: undefined },
  after: { seconds: 1, requests: 0, errors: 0, p50: undefined, p95: undefined },
  probes: { passed: 1, failed: 0 },
  series: [],
})

export const said = (
  command: PersonCommand['command'],
  by: Person = alice,
  at = 1_000_000,
  canWrite = true,
): PersonCommand => ({ type: 'person', command, by, canWrite, receivedAt: at, writtenAt: at, commentId: at })

/** A task as the label opens it. */
export function opened(extra: Partial<Extract<TaskEvent, { type: 'task.opened' }>> = {}, at = 1000): Outcome {
  return complete(
    undefined,
    {
      events: [
        {
          type: 'task.opened',
          id: 't1',
          conversationId: 'c1',
          workflow: 'change',
          origin,
          settings,
          forcePlanGate: false,
          ...extra,
        },
      ],
      decision: { outcome: 'accepted', reason: 'started', detail: '' },
    },
    at,
  )
}
