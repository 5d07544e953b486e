import { z } from 'zod'
import type { Stand } from '../../../src/compose/adapters.ts'
import type { StepResult } from '../../../src/core/deciding/commands.ts'
import type { Step } from '../../../src/core/task/types.ts'
import type { ModelProvider } from '../../../src/llm/types.ts'
import { costOf } from '../../../src/channels/github/costs.ts'
import { type Platform, SendError, type Sender } from '../../../src/channels/types.ts'
import type { EffectResult } from '../../../src/core/effects.ts'
import { crashPoint } from '../../../src/telemetry/crash.ts'
import { handlerFor } from '../../../src/roles/registry.ts'
import type { StepContext, StepHandler } from '../../../src/roles/types.ts'
import type { Target } from '../../../src/releases/types.ts'
import type { Git } from '../../../src/workspace/types.ts'
import { merged, postSigned } from './hooks.ts'
import { shaFor } from './ledger.ts'
import { baseline, design, patch, proof, spec } from '../../support/tasks.ts'

/**
 * The light stand: everything that makes a task last minutes (clones, tests, a thinking model, a service that starts) is
 * replaced; the engines, the agent loop, the journal, the queue, the database, the sender and GitHub's rehearsal are the real ones.
 */
export function lightStand(control: string, options: { realModel?: boolean; blockMs?: number } = {}): Stand {
  const { realModel, blockMs = 0 } = options
  return {
    handlerFor: (kind) => (isRelease(kind) ? handlerFor(kind) : blockMs > 0 ? blocking(control, blockMs) : light),
    ...(realModel ? {} : { provider: instantModel(control) }),
    git: controlGit(control),
    target: controlTarget(control),
    unlimited: true,
  }
}

/** The light stand with the ledger's service in GitHub's place. */
export function ledgerStand(
  service: string,
  settings: string,
  options: { realModel?: boolean; blockMs?: number } = {},
): Stand {
  return { ...lightStand(service, options), sender: ledgerSender(service), platform: ledgerPlatform(settings) }
}

/** How long the platform takes to answer about one slow account. */
const STALL_MS = 15_000
const SENDS_AGAIN = new Set(['reaction', 'check.upsert', 'git.push', 'pr.ready', 'pr.body.upsert', 'review.request'])

/** Sends effects to the ledger; what they mean to it is the ledger's business. */
export function ledgerSender(service: string): Sender {
  const post = async (path: string, body: unknown, timeoutMs = 10_000) => {
    try {
      return await fetch(`${service}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
    } catch (error) {
      throw new SendError('unknown', 'no answer', { cause: error })
    }
  }
  return {
    costOf,
    async lookUp(body, { marker }) {
      if (SENDS_AGAIN.has(body.kind)) return undefined
      const answer = await post('/look', { marker })
      return ((await answer.json()) as { found?: EffectResult }).found
    },
    async send(body, { marker, previous, mayLeave }) {
      mayLeave()
      if (!('place' in body)) throw new SendError('fatal', 'the stored effect cannot be read')
      const answer = await post('/effect', { marker, body, previous, from: String(process.pid) })
      crashPoint('request-sent')
      if (answer.status === 429)
        throw new SendError('retry', 'asked to wait', {
          retryAfterMs: Number(answer.headers.get('retry-after')) * 1000,
        })
      if (!answer.ok) throw new SendError('unknown', `answered ${answer.status}`)
      return (await answer.json()) as EffectResult
    },
  }
}

/** Where the numbers of pull requests begin: no issue has one of them. */
const PULLS = 100_000_000

/** Everything outside answers at once, in the same process: what is left is Muster's own work. The merge comes as a webhook. */
export function instantStand(web: string, settings: string): Stand {
  let id = 1
  const sender: Sender = {
    costOf,
    lookUp: async () => undefined,
    async send(body, { task }) {
      const number = PULLS + (task?.origin.number ?? body.place.number)
      if (body.kind === 'git.push') return { sha: shaFor(body.place.number) }
      if (body.kind === 'pr.open') return { id: number, nodeId: `P${number}`, number, url: 'http://x' }
      if (body.kind === 'pr.ready' && task?.headSha)
        await postSigned(web, 'pull_request', merged(task.pullRequest?.number ?? 0, task.headSha, task.origin.number))
      return { id: id++ }
    },
  }
  return {
    handlerFor: (kind) => (isRelease(kind) ? handlerFor(kind) : light),
    provider: instantModel(undefined),
    git: controlGit(web),
    target: controlTarget(web),
    sender,
    platform: ledgerPlatform(settings),
    unlimited: true,
  }
}

function ledgerPlatform(settings: string): Platform {
  return {
    async canWrite(_repository, { login }) {
      if (login === 'poison') process.abort()
      if (login === 'stall') await new Promise((done) => setTimeout(done, STALL_MS))
      return true
    },
    standing: async (_repository, person) => ({ ...person, role: 'admin', teams: [] }),
    checks: async () => [],
    pictures: async () => [],
    pullOf: async () => undefined,
    tellWaiting: async () => {},
    settingsFile: async () => ({ text: settings, where: '.github/muster.yml' }),
    self: async () => ({ id: 1, slug: 'muster', name: 'muster[bot]', email: 'muster@example.com' }),
    findIssue: async () => undefined,
    moreOfCheck: async (_repository, check) => check,
    findPull: async () => ({ base: 'main', head: 'x', isOpen: true, isFork: false }),
    remarks: async () => [],
    hasCommit: async () => true,
    findRepository: async () => undefined,
    repositories: async () => [],
  }
}

function isRelease(kind: Step['kind']): boolean {
  return kind === 'release_plan' || kind === 'deploy' || kind === 'watch'
}

/** Keeps the event loop busy past the lease, once for each task, at its design. */
function blocking(control: string, ms: number): StepHandler {
  return async (context) => {
    const { task, step } = context
    const { first } = await tell<{ first: boolean }>(control, '/once', { key: `${task.id} ${step.kind}` })
    if (first && step.kind === 'design') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    return light(context)
  }
}

/** One turn of the agent loop, then an artefact of the kind that is owed. */
const light: StepHandler = async (context: StepContext): Promise<StepResult> => {
  const { task, step } = context
  // What no handler survives.
  if (task.origin.title.includes('Poison')) process.abort()
  await context.agent({
    tier: 'simple',
    permissions: [],
    checkout: undefined,
    system: 'A stand-in.',
    prompt: `# ${step.kind}`,
    artefact: z.object({ ok: z.boolean() }),
  })
  switch (step.kind) {
    case 'baseline':
      return { kind: 'baseline', baseline: baseline() }
    case 'spec':
      return { kind: 'spec', spec: spec({ title: task.origin.title, risk: 'low' }) }
    case 'design':
      return { kind: 'design', design: design() }
    case 'prove':
      return { kind: 'proof', proof: proof(task.headSha ?? '', true) }
    default:
      return { kind: 'patch', patch: patch({ parentSha: 'base', baseSha: 'base' }) }
  }
}

export async function tell<T = unknown>(control: string, path: string, body: unknown): Promise<T> {
  const answer = await fetch(`${control}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
  return (await answer.json()) as T
}

/** How long the stand-in for the model thinks. */
const THINK_MS = Number(process.env['MUSTER_TEST_THINK_MS'] ?? 0)

/** Answers at once, and tells that it was asked: every call would have been paid for. */
export function instantModel(control: string | undefined): ModelProvider {
  return {
    async complete({ origin }) {
      if (control) await tell(control, '/model', origin)
      if (THINK_MS > 0) await new Promise((done) => setTimeout(done, THINK_MS))
      return {
        model: 'claude-haiku-5-5',
        blocks: [{ type: 'tool_use', id: `call-${origin.turn}`, name: 'finish', input: { ok: true } }],
        stop: 'tools',
        usage: { inputTokens: 100, outputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0 },
      }
    },
  }
}

const none = () => Promise.reject(new Error('not in the light stand'))

function controlGit(control: string): Git {
  return {
    resolve: async () => 'f'.repeat(40),
    isAncestor: async () => true,
    treeOf: async () => 'e'.repeat(40),
    branchesWith: none,
    mends: async () => false,
    log: async () => [],
    merges: async () => [],
    commitAndPush: ({ branch, message, at }) => tell<{ sha: string }>(control, '/push', { branch, message, at }),
    checkout: none,
    archive: none,
    joined: none,
    show: none,
    files: none,
    openBranches: async () => [],
    changedFiles: none,
    mergeBase: none,
  }
}

function controlTarget(control: string): Target {
  return {
    url: () => 'http://127.0.0.1:1',
    current: async () => undefined,
    observe: (releaseId) => tell(control, '/observe', { releaseId }),
    apply: async ({ releaseId, sha }) => void (await tell(control, '/apply', { releaseId, sha })),
    log: async () => '',
    probe: async () => true,
    samples: async () => [],
    measuredSince: async () => undefined,
  }
}
