import { FairShares } from '../core/fair.ts'
import { ROLES } from '../core/roles.ts'
import type { Task } from '../core/task/types.ts'
import { type Work, workOf } from '../core/task/work.ts'
import { isKnown } from '../core/workflows/registry.ts'
import type { Leases } from '../leases/types.ts'
import type { Job, Queue } from '../queue/types.ts'
import type { Store } from '../store/types.ts'
import { jobOf } from './engine.ts'
import { stepLease } from './runner.ts'

export interface SweepDeps {
  readonly store: Pick<Store, 'tasks' | 'inbox' | 'effects' | 'leases'>
  readonly queue: Pick<Queue, 'restore'>
  readonly leases: Pick<Leases, 'acquire' | 'dead'>
  readonly now: () => number
  /** Leaves alone what was written so short a time ago: it is being queued by whoever wrote it. */
  readonly settledMs: number
}

const LIMIT = 5000

/**
 * Puts back into the queue what the database says is to be done: events without a decision, steps that are ready or were
 * running when a process ended, timers that are due. Safe at any time: what waits already is left alone, and what is
 * queued twice is done once, because leases and versions decide. One process sweeps at a time.
 * @returns how much was restored; undefined when somebody else is at it
 */
export async function sweep({ store, queue, leases, now, settledMs }: SweepDeps): Promise<number | undefined> {
  const claim = await leases.acquire('sweep')
  if (!claim) return undefined
  try {
    const shares = new FairShares()
    const events = await store.inbox.undecided(settledMs, LIMIT)
    const inbound = events.map(({ id, account }) => ({
      job: { name: 'inbound', eventId: id } satisfies Job,
      priority: shares.rank(account ?? '', now()),
      delayMs: 0,
    }))
    await store.effects.repair(LIMIT)
    return await queue.restore([...inbound, ...(await work(store, await leases.dead(), now(), settledMs))])
  } finally {
    await claim.release()
  }
}

async function work(store: SweepDeps['store'], dead: readonly string[], now: number, settledMs: number) {
  const shares = new FairShares()
  const jobs: { job: Job; priority: number; delayMs: number }[] = []
  for (const waiting of await store.tasks.waiting(settledMs, LIMIT)) {
    let items = waiting.work
    if (!items) {
      items = await workIn(store, waiting.id)
    }
    for (const item of items.filter(isForSomebody))
      jobs.push({
        job: jobOf(waiting.id, item),
        priority: shares.rank(waiting.account, now),
        delayMs: item.dueAt === undefined ? 0 : Math.max(0, item.dueAt - now),
      })
  }
  const held = await store.leases.live(
    jobs.flatMap(({ job }) => (job.name === 'step' ? [stepLease(job.taskId, job.step)] : [])),
    dead,
  )
  return jobs.filter(({ job }) => job.name !== 'step' || !held.has(stepLease(job.taskId, job.step)))
}

/** What a task waits for; nothing that this version could do, where it does not know its workflow, or somebody has damaged the row. The others are not kept waiting. */
async function workIn(store: SweepDeps['store'], id: string): Promise<Work[]> {
  const task = await store.tasks.get(id)
  return task && isReadable(task) ? workOf(task) : []
}

/** There is a queue for it: what a plug-in's role would do, only its processes know. */
function isForSomebody(item: Work): boolean {
  return item.kind !== 'step' || ROLES.named(item.role) !== undefined
}

function isReadable(task: Task): boolean {
  return Array.isArray(task.steps) && isKnown(task)
}
