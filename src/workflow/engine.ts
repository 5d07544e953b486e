import { messageOf } from '../core/errors.ts'
import { accountOf } from '../core/effecttable.ts'
import { FairShares } from '../core/fair.ts'
import { branchKey } from '../core/heard.ts'
import { surfaceKey } from '../core/said.ts'
import { backoffMs } from '../core/retry.ts'
import { actorOf } from '../core/deciding/actor.ts'
import type { TaskCommand } from '../core/deciding/commands.ts'
import { complete, decide, type Outcome } from '../core/deciding/decide.ts'
import type { Task, TaskEvent } from '../core/task/types.ts'
import { type Work, workOf } from '../core/task/work.ts'
import { Conflict, type LoadedTask, type Store } from '../store/types.ts'
import type { Job, Queue } from '../queue/types.ts'
import type { Extra, Workflow } from './types.ts'

const MAX_CONFLICTS = 30
const CACHE_SIZE = 500
/** How long a decision waits for a database that is out of reach. */
const DOWN_PATIENCE_MS = 60_000

export interface EngineDeps {
  readonly store: Pick<Store, 'tasks'>
  readonly queue: Pick<Queue, 'add'>
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  /** The delivery that led here, for the log. */
  readonly cause: () => string | undefined
  /** Whether an error says that the database is out of reach for now. */
  readonly isDown: (error: unknown) => boolean
  /** Told after every commit, with the new state. */
  readonly onCommit: (task: Task) => void
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/**
 * Load, decide, write events and effects in one transaction, then hand ready steps to the queue. Two writers of one task
 * never both succeed: the loser decides again on the new state.
 */
export function createEngine(deps: EngineDeps): Workflow {
  const shares = new FairShares()
  const cache = new TaskCache()

  async function fresh(taskId: string): Promise<LoadedTask | undefined> {
    return cache.seen(await deps.store.tasks.load(taskId))
  }

  async function write(
    outcome: Outcome,
    before: LoadedTask | undefined,
    at: number,
    actor: string,
    extra: Extra = {},
  ): Promise<void> {
    const { task, events, effects, decision } = outcome
    const { inbound, beside, ...rest } = extra
    if (before && events.length === 0 && !settles(extra)) return
    const chain = await deps.store.tasks.commit({
      ...rest,
      task,
      basedOn: before?.task.version ?? 0,
      chain: before?.chain,
      events,
      effects,
      at,
      actor,
      reason: decision.reason,
      beside: beside?.(outcome),
      links: [...(rest.links ?? []), ...linksOf(task, events)],
      unlinks: unlinksOf(events),
      ...(inbound ? { inbound: { ...inbound, decision } } : {}),
    })
    cache.set({ task, chain })
    deps.onCommit(task)
    await schedule(deps, shares, task, events)
  }

  async function decideOn(taskId: string, command: TaskCommand, extra?: Extra): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      // What this process knows may be old: then the commit finds another version, and what is there is read.
      const loaded = cache.get(taskId) ?? (await fresh(taskId))
      if (!loaded) throw new Error(`there is no task ${taskId}`)
      const at = deps.now()
      const outcome = decide(loaded.task, command, at)
      if (outcome.events.length === 0 && (await isOld(loaded))) {
        cache.delete(taskId)
        continue
      }
      try {
        await write(outcome, loaded, at, actorOf(command, loaded.task), extra)
        return outcome
      } catch (error) {
        cache.delete(taskId)
        if (!(error instanceof Conflict) || attempt >= MAX_CONFLICTS) throw error
        if (attempt > 1) await deps.sleep(backoffMs(Math.min(attempt, 4), deps.random(), 5))
      }
    }
  }

  /** Nothing is written when nothing happens, so nothing would tell that the state was old. */
  async function isOld({ task }: LoadedTask): Promise<boolean> {
    return (await deps.store.tasks.versions([task.id])).get(task.id) !== task.version
  }

  async function open(events: readonly TaskEvent[], decision: Outcome['decision'], actor: string, extra?: Extra) {
    const at = deps.now()
    const outcome = complete(undefined, { events, decision }, at)
    await write(outcome, undefined, at, actor, extra)
    return outcome
  }

  return {
    apply: (taskId, command, extra) => patiently(deps, () => decideOn(taskId, command, extra)),
    open,
    get: async (taskId) => (await fresh(taskId))?.task,
    known: async (taskId) => (cache.get(taskId) ?? (await fresh(taskId)))?.task,
  }
}

/** Whether something is to be written though nothing happened. */
function settles({ inbound, turn, effectDone, effectFailed }: Extra): boolean {
  return [inbound, turn, effectDone, effectFailed].some((one) => one !== undefined)
}

/** The tasks that this process worked on last, as far as it knows. */
class TaskCache {
  readonly #tasks = new Map<string, LoadedTask>()

  get(id: string): LoadedTask | undefined {
    return this.#tasks.get(id)
  }

  /** What was read just now. */
  seen(loaded: LoadedTask | undefined): LoadedTask | undefined {
    if (loaded) this.set(loaded)
    return loaded
  }

  set(loaded: LoadedTask): void {
    const { id, version } = loaded.task
    const known = this.#tasks.get(id)
    if (known && known.task.version > version) return
    // The newest stand last; the oldest make room.
    this.#tasks.delete(id)
    this.#tasks.set(id, loaded)
    if (this.#tasks.size > CACHE_SIZE) this.#tasks.delete(this.#tasks.keys().next().value ?? '')
  }

  delete(id: string): void {
    this.#tasks.delete(id)
  }
}

/** What was decided while the database went away may or may not be there: deciding again on what is there is right either way. */
async function patiently<T>(deps: EngineDeps, action: () => Promise<T>): Promise<T> {
  const until = performance.now() + DOWN_PATIENCE_MS
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (!deps.isDown(error) || performance.now() > until) throw error
      if (attempt === 1)
        deps.log('warn', 'the database is out of reach; a decision waits for it', { error: messageOf(error) })
      await deps.sleep(backoffMs(attempt, deps.random(), 100, 2000))
    }
  }
}

/** Hands to the queue whatever may be done now, or at a time. */
async function schedule(deps: EngineDeps, shares: FairShares, task: Task, events: readonly TaskEvent[]): Promise<void> {
  const account = accountOf(task.origin.repository.installationId)
  for (const work of workOf(task)) {
    // What runs has its worker already; if that died, the sweeper sees it.
    if (work.kind === 'step' && work.dueAt === undefined && isRunning(task, work.step, events)) continue
    try {
      await deps.queue.add(jobOf(task.id, work, deps.cause()), {
        delayMs: work.dueAt === undefined ? 0 : work.dueAt - deps.now(),
        priority: shares.rank(account, deps.now()),
      })
    } catch (error) {
      deps.log('warn', 'work could not be queued; the sweeper will find it', { task: task.id, error: messageOf(error) })
    }
  }
}

/** Work as the queue carries it. */
export function jobOf(taskId: string, work: Work, delivery?: string): Job {
  if (work.kind === 'wake') return { name: 'wake', taskId, dueAt: work.dueAt, delivery }
  const { step, role, attempt, dueAt } = work
  return { name: 'step', taskId, step, role, attempt, dueAt, delivery }
}

function isRunning(task: Task, step: string, events: readonly TaskEvent[]): boolean {
  const goesOn = events.some((event) => event.type === 'step.unparked' && event.step === step)
  return !goesOn && task.steps.some((one) => one.id === step && one.status === 'running')
}

/** Places that are let go. */
function unlinksOf(events: readonly TaskEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'surface.unlinked' ? [surfaceKey(event.surface)] : []))
}

/** An issue, a pull request and linked places belong to the same conversation from the moment they are known. */
function linksOf(task: Task, events: readonly TaskEvent[]): string[] {
  const { id } = task.origin.repository
  return events.flatMap((event) => {
    if (event.type === 'pr.opened') return [`github:${id}#${event.pullRequest.number}`]
    if (event.type === 'branch.pushed') return [branchKey(id, event.branch)]
    if (event.type === 'issue.opened') return [`github:${id}#${event.number}`]
    if (event.type === 'surface.linked') return [surfaceKey(event.surface)]
    if (event.type === 'task.opened') return (event.linked ?? []).map(surfaceKey)
    return []
  })
}
