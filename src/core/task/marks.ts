import type { EffectIntent, Mark } from '../effects.ts'
import { place } from './places.ts'
import { failedStep } from './steps.ts'
import type { Task, TaskEvent } from './types.ts'

/** When the sign on a request may be another one. */
const MARKING: ReadonlySet<TaskEvent['type']> = new Set([
  'task.finished',
  'task.cancelled',
  'task.handed_off',
  'step.failed',
  'step.reset',
  'step.added',
  'effect.again',
  'release.requested',
])

/** 👀 on what was asked becomes ✅ or ⚠️, and 👀 again where the work goes on. */
export function marks(task: Task, { type }: TaskEvent): EffectIntent[] {
  const { surface, messageId } = task.origin
  if (!surface || !messageId || !MARKING.has(type)) return []
  return [{ key: 'mark', body: { kind: 'mark.upsert', place: place(task), surface, messageId } }]
}

/** The sign for where the work stands. */
export function markOf(task: Task): Mark {
  if (task.status === 'done') return isDone(task) ? 'done' : 'warning'
  const isStuck = task.status === 'waiting' && failedStep(task) !== undefined
  return isStuck || task.status === 'cancelled' || task.status === 'handed_off' ? 'warning' : 'eyes'
}

/** Over, and what was asked for is there: a change is merged, the latest release serves. */
function isDone(task: Task): boolean {
  const release = task.releases.at(-1)
  const isReleased = release === undefined || release.deployed?.ok === true
  const isMerged = task.workflow !== 'change' || task.merged !== undefined
  return isMerged && isReleased && failedStep(task) === undefined
}
