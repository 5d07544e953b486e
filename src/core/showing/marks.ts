import { workflowOf } from '../workflows/registry.ts'
import type { EffectIntent, Mark } from '../effects.ts'
import { place } from './places.ts'
import { failedStep } from '../task/steps.ts'
import type { Task } from '../task/types.ts'

/** 👀 on what was asked becomes ✅ or ⚠️, and 👀 again where the work goes on: whenever the sign is another one than before. */
export function marks(before: Task | undefined, task: Task): EffectIntent[] {
  const { surface, messageId } = task.origin
  if (!surface || !messageId || !before || markOf(before) === markOf(task)) return []
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
  return workflowOf(task).isFulfilled(task) && failedStep(task) === undefined
}
