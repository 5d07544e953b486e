import { runAgent } from '../agent/loop.ts'
import type { AgentJob, JournalTurn } from '../agent/types.ts'
import type { Patch } from '../core/artefacts.ts'
import { messageOf, publicMessage, Unavailable, UserError } from '../core/errors.ts'
import { mayPublish, spent } from '../core/policy.ts'
import { backoffMs } from '../core/retry.ts'
import { quoteBlock } from '../core/sanitise.ts'
import type { Role } from '../core/roles.ts'
import { DEFAULT_LIMITS } from '../core/settings.ts'
import { stepById } from '../core/task/steps.ts'
import { cutText } from '../core/harmless.ts'
import type { Doing, Parked, Step, StepError, Task } from '../core/task/types.ts'
import { ModelError, type Picture, type Router } from '../llm/types.ts'
import { type Claim, Lost } from '../leases/types.ts'
import type { Releases } from '../releases/types.ts'
import {
  BudgetReached,
  LimitReached,
  type Part,
  type RoleJob,
  type StepContext,
  type StepHandler,
} from '../roles/types.ts'
import { Fenced, type Store } from '../store/types.ts'
import type { Tool } from '../tools/types.ts'
import type { Permission } from '../tools/types.ts'
import type { Git, Machine } from '../workspace/types.ts'
import { diskFull, isDiskFull } from '../core/errors.ts'
import { type Activity, type ActivityDeps, activityOf } from './activity.ts'
import { toldInShort } from './gist.ts'
import { conversationOf, journalOf } from './journal.ts'
import { leftFor } from './money.ts'
import { stakesOf } from './stakes.ts'
import type { Workflow } from './types.ts'

/** Unexpected errors are tried again so often before the step fails. */
const MAX_TRIES = 3
/** How often a step tries a Git server again that does not answer, and how long it waits for one, before it is parked. */
const MAX_HICCUPS = 4
const LONG_MS = 30_000
/** How long a step waits for a database or a network that is out of reach, before that counts as its failure. */
const OUTAGE_PATIENCE_MS = 10 * 60_000
/** How long a parked step waits before it is tried again: at first, and at most. */
const PARK_MS = { first: 60_000, longest: 15 * 60_000 } as const

/** What work on a step takes, in whichever process. */
export interface StepDeps {
  readonly workflow: Workflow
  readonly store: Pick<Store, 'turns' | 'tasks'>
  readonly router: Router
  /** The code of a task that nobody can guess. */
  readonly nonceOf: (taskId: string) => string
  readonly handlerFor: (kind: Step['kind']) => StepHandler
  readonly toolsFor: (permissions: readonly Permission[], role: Role) => Tool[]
  readonly git: Git
  readonly releases: Releases
  readonly machine: Machine
  /** The pictures of what a task is about; none where they cannot be had. */
  readonly picturesOf: (task: Task) => Promise<readonly Picture[]>
  /** Whether an error says that something (the database, the network) is out of reach for now. */
  readonly isDown: (error: unknown) => boolean
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly after: ActivityDeps['after']
  readonly random: () => number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** Works on a step until its result, its error or its pause is written. @param isNew it was started right now: nothing stands in its journal */
export async function perform(
  deps: StepDeps,
  task: Task,
  stepId: string,
  attempt: number,
  claim: Claim,
  signal: AbortSignal,
  isNew: boolean,
): Promise<void> {
  const step = stepById(task, stepId)
  const { fence } = claim
  if (!step) return
  let isEmpty = isNew
  let outage: number | undefined
  let waits = 0
  let hiccups = 0
  for (let attemptNumber = 1; ; attemptNumber++) {
    try {
      deps.log('info', 'step begins', { attempt })
      const result = await handled(deps, { task, step, attempt, claim, signal, isEmpty })
      const { decision, events } = await deps.workflow.apply(
        task.id,
        { type: 'step.result', step: stepId, attempt, result },
        { fence, release: true },
      )
      // Given back with the commit; where nothing was written, there was none.
      if (events.length > 0) claim.drop()
      deps.log('info', 'step ended', { decision: decision.reason })
      return
    } catch (error) {
      isEmpty = false
      if (signal.aborted || error instanceof Fenced || error instanceof Lost) return
      if (error instanceof BudgetReached)
        return void (await deps.workflow.apply(
          task.id,
          { type: 'budget', step: stepId, attempt, patch: error.patch },
          { fence },
        ))
      if (error instanceof ModelError && (error.kind === 'busy' || error.kind === 'credit'))
        return park(
          deps,
          task.id,
          stepId,
          attempt,
          claim,
          error,
          error.kind === 'credit' ? 'model_credit' : 'model_busy',
        )
      if (error instanceof Unavailable) {
        if (++hiccups > MAX_HICCUPS || (error.retryAfterMs ?? 0) > LONG_MS)
          return park(deps, task.id, stepId, attempt, claim, error, 'git_busy')
        deps.log('warn', 'a step waits for the Git server', {
          error: error.message,
          cause: messageOf(error.cause ?? ''),
        })
        await deps.sleep(error.retryAfterMs ?? backoffMs(hiccups, deps.random(), 500))
        attemptNumber--
        continue
      }
      // An outage says nothing about the step: it is waited for, and counts as no try.
      if (deps.isDown(error) && deps.now() < (outage ??= deps.now()) + OUTAGE_PATIENCE_MS) {
        deps.log('warn', 'a step waits: the database or the network is out of reach', { error: messageOf(error) })
        await deps.sleep(backoffMs(++waits, deps.random(), 200, 5000))
        attemptNumber--
        continue
      }
      const { failure, isExpected } = failureOf(deps, error)
      if (isExpected || attemptNumber >= MAX_TRIES)
        return void (await deps.workflow.apply(
          task.id,
          { type: 'step.error', step: stepId, attempt, error: stepError(failure), patch: keptOf(failure) },
          { fence },
        ))
      await deps.sleep(backoffMs(attemptNumber, deps.random(), 1000))
    }
  }
}

/** Why a step did not go as it should; the operator reads it here. */
function failureOf({ log }: StepDeps, error: unknown): { readonly failure: unknown; readonly isExpected: boolean } {
  const failure = isDiskFull(error) ? diskFull(error) : error
  const isExpected = failure instanceof UserError || failure instanceof ModelError
  log(isExpected ? 'warn' : 'error', 'step failed', {
    error: messageOf(error),
    cause: error instanceof Error ? messageOf(error.cause ?? '') : '',
    stack: isExpected || !(error instanceof Error) ? undefined : error.stack,
  })
  return { failure, isExpected }
}

/** One go at a step. */
interface Go {
  readonly task: Task
  readonly step: Step
  readonly attempt: number
  readonly claim: Claim
  readonly signal: AbortSignal
  /** Nothing stands in its journal. */
  readonly isEmpty: boolean
}

/** What the step's role makes of it. */
async function handled(deps: StepDeps, go: Go) {
  const { task, step, attempt, claim } = go
  const activity = toldActivity(deps, task.id, step, attempt, claim)
  const context = contextOf(deps, { ...go, task: await toldInShort(deps, go) }, activity)
  return deps.handlerFor(step.kind)(context).finally(activity.end)
}

/** What was paid for and made before a limit. */
function keptOf(failure: unknown): Patch | undefined {
  return failure instanceof LimitReached ? failure.patch : undefined
}

/** A provider or the Git server cannot answer now: the step keeps its journal and waits; it costs no worker meanwhile. */
async function park(
  deps: StepDeps,
  taskId: string,
  step: string,
  attempt: number,
  { fence }: Claim,
  error: ModelError | Unavailable,
  why: Parked['why'],
): Promise<void> {
  const task = await deps.workflow.get(taskId)
  const parked = task && stepById(task, step)?.parked
  const waited = parked ? deps.now() - parked.since : 0
  const wait = Math.min(PARK_MS.longest, Math.max(PARK_MS.first, waited / 2, error.retryAfterMs ?? 0))
  deps.log('warn', 'a step is parked', { why, error: error.message, seconds: Math.round(wait / 1000) })
  await deps.workflow.apply(taskId, { type: 'step.park', step, attempt, why, until: deps.now() + wait }, { fence })
}

const MODEL_HINTS = {
  busy: 'The model provider is overloaded or out of reach.',
  key: 'The model provider does not accept the key.',
  credit: "The model provider's spending limit or credit is used up. The operator should raise it, then `retry`.",
  request: 'The model provider refused the request; the details are in the log.',
  window: 'What there is to say is longer than the model can take.',
} as const

/** The voice for the thread. */
function stepError(error: unknown): StepError {
  if (error instanceof ModelError) return { code: `model_${error.kind}`, message: modelWords(error) }
  return { code: error instanceof UserError ? error.code : 'internal', message: publicMessage(error) }
}

function modelWords({ kind, message, hint }: ModelError): string {
  if (kind === 'story') return message
  return [MODEL_HINTS[kind], hint].filter(Boolean).join(' ')
}

/** A model's command may be a whole file. */
function shortened(doing: Doing): Doing {
  return doing.kind === 'command' ? { ...doing, command: cutText(doing.command, 200) } : doing
}

/** What a step does for long is shown on its card. Where that cannot be written, the work goes on all the same. */
function toldActivity(deps: StepDeps, taskId: string, step: Step, attempt: number, { fence }: Claim): Activity {
  let last: Promise<unknown> = Promise.resolve()
  const tell: ActivityDeps['tell'] = (doing, since) => {
    const command = { type: 'step.doing', step: step.id, attempt, doing: doing && shortened(doing), since } as const
    // One after the other: the last word counts.
    last = last
      .then(() => deps.workflow.apply(taskId, command, { fence }))
      .catch((error: unknown) => deps.log('warn', 'what a step does could not be shown', { error: messageOf(error) }))
  }
  // Whoever did it before has ended.
  if (step.doing) tell(undefined, deps.now())
  return activityOf({ now: deps.now, after: deps.after, tell })
}

function contextOf(
  deps: StepDeps,
  { task, step, attempt, claim, signal, isEmpty }: Go,
  activity: Activity,
): StepContext {
  let isJournalEmpty = isEmpty
  return {
    task,
    step,
    signal,
    mayAct: () => {
      if (!claim.isMine()) throw new Lost(`step ${step.id} may belong to somebody else by now`)
    },
    git: deps.git,
    releases: deps.releases,
    nonce: deps.nonceOf(task.id),
    machine: deps.machine,
    during: activity.during,
    parts: () => partsOf(deps, task),
    agent: async (job) => {
      const fresh = (await deps.workflow.known(task.id)) ?? task
      const journal = journalOf(deps, task.id, { step: step.id, attempt, prompt: job.version ?? '' }, claim)
      // Nothing has to be asked of one that was begun right now.
      const past = isJournalEmpty ? [] : await journal.load()
      isJournalEmpty = false
      const going = await goingOn(deps, task, job, past)
      const { limits = DEFAULT_LIMITS } = task.settings
      const usd = leftFor(fresh, step.id)
      const agentLimits = {
        turns: limits.turns,
        ms: limits.seconds * 1000,
        usd,
        capUsd: spent(fresh) + usd,
        more: () => moreFor(deps, task.id, step.id, attempt, claim),
      }
      const shown = job.showsPictures ? { pictures: await deps.picturesOf(task) } : {}
      const agentJob = { ...agentJobOf(deps, { ...job, ...going }, task, step, attempt), ...shown }
      return runAgent(agentJob, {
        taskId: task.id,
        router: { ask: (call) => activity.during({ kind: 'model' }, () => deps.router.ask(call)) },
        journal: { ...journal, load: async () => past },
        limits: agentLimits,
        signal,
        now: deps.now,
        sleep: deps.sleep,
        random: deps.random,
        onBusy: ({ message, cause }) => deps.log('warn', message, { cause: rootOf(cause) }),
        news: newsOf(deps, task),
      })
    },
  }
}

/** What it was in the end: the SDKs wrap it. */
function rootOf(cause: unknown): string {
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner === undefined ? messageOf(cause ?? '') : rootOf(inner)
}

/** What people say to a task while a step of it is worked on. */
function newsOf(deps: StepDeps, { id, notes }: Task): () => Promise<string | undefined> {
  let known = notes.length
  return async () => {
    const now = (await deps.workflow.get(id))?.notes ?? []
    const fresh = now.slice(known)
    if (fresh.length === 0) return undefined
    known = now.length
    const nonce = deps.nonceOf(id)
    const said = fresh.map(({ by, text }) => quoteBlock('note', `${by.login}: ${text}`, nonce))
    return ['People have said meanwhile:', ...said, 'Heed it where it concerns what you do.'].join('\n\n')
  }
}

/** A prompt cache forgets after five minutes (Anthropic; others later): what is colder is told anew, shorter. */
const FRESH_MS = 4 * 60_000
/** A conversation of so many characters costs more to go on with than to begin anew. */
const MAX_GONE_ON = 160_000

/** What a job goes on with, while that is fresh. @param past an earlier try of it: what that went on with, it goes on with now */
async function goingOn<T>(
  deps: StepDeps,
  task: Task,
  { continues }: RoleJob<T>,
  past: readonly JournalTurn[],
): Promise<Partial<Pick<AgentJob<T>, 'before' | 'prompt'>>> {
  if (!continues) return {}
  const { step, prompt } = continues
  const isFresh = step.endedAt !== undefined && deps.now() - step.endedAt < FRESH_MS
  const [first] = past
  if (first ? first.opening?.startsWith(prompt) !== true : !isFresh) return {}
  const before = await conversationOf(deps.store, task.id, step)
  return before && JSON.stringify(before.messages).length <= MAX_GONE_ON ? { before, prompt } : {}
}

/** The patches of parts stand in the history alone: what was made of each last. */
async function partsOf({ store }: StepDeps, task: Task): Promise<Part[]> {
  const made = new Map<string, Patch>()
  for (let cursor: string | undefined, isMore = true; isMore; ) {
    const page = await store.tasks.events(task.id, { limit: 500, cursor })
    for (const { event } of page.items) if (event.type === 'part.made') made.set(event.step, event.patch)
    cursor = page.next ?? undefined
    isMore = cursor !== undefined
  }
  return task.steps.flatMap(({ id, item }) => {
    const patch = made.get(id)
    return patch && item !== undefined ? [{ item, patch }] : []
  })
}

async function moreFor(
  deps: StepDeps,
  taskId: string,
  step: string,
  attempt: number,
  { fence }: Claim,
): Promise<number> {
  const { task } = await deps.workflow.apply(taskId, { type: 'step.fund', step, attempt }, { fence })
  return Math.max(0, leftFor(task, step))
}

function agentJobOf<T>(deps: StepDeps, job: RoleJob<T>, task: Task, step: Step, attempt: number) {
  const { tier, permissions, checkout, notYet, continues: _, version: __, showsPictures: ___, ...rest } = job
  const { allow } = task.settings.protect
  const context = checkout && {
    checkout,
    timeoutMs: task.settings.checks.timeoutSeconds * 1000,
    mayWrite: (path: string) => {
      if (notYet !== undefined) return { ok: false, detail: notYet }
      const other = checkout.others.find((one) => path === one || path.startsWith(`${one}/`))
      return other === undefined
        ? mayPublish([path], 0, allow)
        : { ok: false, detail: `${other} belongs to another repository` }
    },
  }
  return {
    ...rest,
    role: step.role,
    step: step.id,
    attempt,
    needs: { tier, privacy: task.settings.privacy ?? 'any', stakes: stakesOf(task, step) } as const,
    tools: checkout ? deps.toolsFor(permissions, step.role) : [],
    context,
  }
}
