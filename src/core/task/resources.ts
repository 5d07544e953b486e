import { type Ruling, spent } from '../policy.ts'
import { DEFAULT_SCHEDULE, type Schedule } from '../settings.ts'
import { stepDefinition } from '../workflows/registry.ts'
import { waitsForChildren } from './children.ts'
import { readySteps } from './schedule.ts'
import type { Step, Task } from './types.ts'

/** How much may be under way at once, and what it may cost: one setting of the scheduler. Pure. */

/** Without anything to go by, a step is taken to cost this part of the budget. */
const EXPECTED_PART = 1 / 8

/** What stands between a step and its beginning. */
interface Room {
  /** How many steps are under way, and how many of them are paid for. */
  readonly under: number
  readonly paid: number
  /** How many may be, beside one that is paid for and beside one that is not. */
  readonly most: { readonly paid: number; readonly free: number }
  /** Whether anything of the budget is kept for nobody. */
  readonly hasMoney: boolean
}

function roomOf(task: Task): Room {
  return {
    under: atWork(task).length,
    paid: task.steps.filter((step) => step.status === 'running' && costs(task, step)).length,
    most: { paid: mostAtOnce(task), free: mostAtOnce(task, false) },
    hasMoney: unreserved(task) > 0,
  }
}

function roomFor({ under, paid, most, hasMoney }: Room, isPaid: boolean): Ruling {
  const limit = isPaid ? most.paid : most.free
  if (under >= limit)
    return { ok: false, reason: 'no_room', detail: `${under} steps are under way, and at most ${limit} may be` }
  if (isPaid && paid > 0 && !hasMoney)
    return { ok: false, reason: 'no_budget', detail: 'all that is left of the budget is kept for the steps under way' }
  return { ok: true, reason: 'room', detail: '' }
}

/** Whether one more step may be under way. */
export function mayStart(task: Task, step: Step): Ruling {
  return roomFor(roomOf(task), costs(task, step))
}

/** The steps that may begin and would find room, if they are begun in this order. */
export function startable(task: Task): Step[] {
  const ready = readySteps(task)
  if (ready.length === 0) return []
  let room = roomOf(task)
  return ready.filter((step) => {
    const isPaid = costs(task, step)
    const { ok } = roomFor(room, isPaid)
    if (ok) room = { ...room, under: room.under + 1, paid: room.paid + (isPaid ? 1 : 0) }
    return ok
  })
}

/** What takes room: a step that waits for something outside holds no worker. */
function atWork({ steps }: Task): Step[] {
  return steps.filter((step) => step.status === 'running' && step.parked === undefined && !waitsForChildren(step))
}

/** So many steps may be under way at once, one at least. @param isPaid whether the one that is to begin is paid for: another waits for no money */
export function mostAtOnce(task: Task, isPaid = true): number {
  const { policy, most } = scheduleOf(task)
  switch (policy) {
    case 'sequential':
      return 1
    case 'parallel':
      return Number.POSITIVE_INFINITY
    case 'hybrid':
      return most
    case 'adaptive':
      return isPaid ? Math.max(1, Math.min(afterFailures(task, most), affordable(task))) : most
  }
}

function scheduleOf({ settings }: Task): Schedule {
  return settings.schedule ?? DEFAULT_SCHEDULE
}

/** Half as many after each failure, one more after each success, in the order in which they ended: as networks share a line (AIMD). */
function afterFailures({ steps }: Task, most: number): number {
  return steps
    .filter(({ status, endedAt }) => endedAt !== undefined && (status === 'done' || status === 'failed'))
    .toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0))
    .reduce(
      (now, { status }) => (status === 'failed' ? Math.max(1, Math.floor(now / 2)) : Math.min(most, now + 1)),
      most,
    )
}

/** How many steps of the usual price what is left would pay for, with those under way. */
function affordable(task: Task): number {
  const done = task.steps.filter((step) => step.status === 'done' && step.costUsd > 0)
  const usual =
    done.length > 0 ? done.reduce((sum, step) => sum + step.costUsd, 0) / done.length : task.budgetUsd * EXPECTED_PART
  const running = task.steps.filter((step) => step.status === 'running' && costs(task, step)).length
  return usual > 0 ? running + Math.floor(unreserved(task) / usual) : Number.POSITIVE_INFINITY
}

/** What is neither spent nor kept for a step under way, dollars. @param but of this step nothing counts as kept */
export function unreserved(task: Task, but?: Step): number {
  const kept = task.steps
    .filter((step) => step.status === 'running' && step.id !== but?.id && costs(task, step))
    // One of a version before has no share: it may spend whatever is left.
    .reduce((sum, { capUsd, costUsd }) => sum + Math.max(0, (capUsd ?? Number.POSITIVE_INFINITY) - costUsd), 0)
  return Math.max(0, task.budgetUsd - spent(task) - kept)
}

/**
 * What a step may have cost in all, dollars: its share of what is left, with whatever else could begin now. A step that is alone has
 * all of it. Undefined where it is not paid for.
 */
export function shareOf(task: Task, step: Step): number | undefined {
  if (!costs(task, step)) return undefined
  const running = atWork(task).filter(({ id }) => id !== step.id).length
  const room = Math.max(0, mostAtOnce(task) - running - 1)
  const others = readySteps(task).filter((one) => one.id !== step.id && costs(task, one)).length
  return step.costUsd + unreserved(task, step) / (1 + Math.min(room, others))
}

/** Whether a step asks models. */
export function costs(task: Task, { kind }: Step): boolean {
  return stepDefinition(task, kind).costs
}
