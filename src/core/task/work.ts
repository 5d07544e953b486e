import type { Role } from '../roles.ts'
import { waitsForChildren } from './children.ts'
import { startable } from './resources.ts'
import { nextTimer } from './steps.ts'
import type { Task } from './types.ts'

/** Something that waits for a worker, or for a time. Stored beside the task, so that a lost queue is rebuilt from it. */
export type Work =
  | {
      readonly kind: 'step'
      readonly step: string
      readonly role: Role
      /** Which attempt is to be made (or, where the step runs, is being made). */
      readonly attempt: number
      /** Not before; ms since the epoch. */
      readonly dueAt: number | undefined
    }
  | { readonly kind: 'wake'; readonly dueAt: number }

/** Everything that a task waits to have done: steps that may begin and find room, steps that run (a worker may have died), timers. */
export function workOf(task: Task): Work[] {
  // Nobody here could do it.
  if (task.missing !== undefined) return []
  const running = task.steps.filter((step) => step.status === 'running' && !waitsForChildren(step))
  const due = nextTimer(task)
  return [
    ...running.map(
      (step): Work => ({
        kind: 'step',
        step: step.id,
        role: step.role,
        attempt: step.attempt,
        dueAt: step.parked?.until,
      }),
    ),
    ...startable(task).map(
      (step): Work => ({
        kind: 'step',
        step: step.id,
        role: step.role,
        attempt: step.attempt + 1,
        dueAt: undefined,
      }),
    ),
    ...(due === undefined ? [] : [{ kind: 'wake' as const, dueAt: due }]),
  ]
}
