import { workflowOf } from '../workflows/registry.ts'
import { isKindHeld, newStep } from './schedule.ts'
import { missingEvents } from './missing.ts'
import { addedStep, gateAt, isActive } from './steps.ts'
import type { Task, TaskEvent } from './types.ts'

/**
 * What follows by itself from a state, by the definition of its workflow. Called until nothing follows any more. First what people
 * have to decide, then the steps that are wanted, all of a kind at once; where there is neither, the rest.
 */
export function progress(task: Task): readonly TaskEvent[] {
  if (!isActive(task)) return []
  const missing = missingEvents(task)
  if (missing.length > 0) return missing
  const { gates, steps, follows } = workflowOf(task)
  const asked = gates.find(({ kind, wanted }) => !gateAt(task, kind) && wanted(task).length > 0)
  if (asked) return asked.wanted(task)
  for (const definition of steps) {
    if (isKindHeld(task, definition)) continue
    const added = definition.wanted(task).reduce<{ task: Task; events: TaskEvent[] }>(
      (so, instance) => {
        const step = newStep(so.task, definition.kind, instance)
        // The next one of the kind is counted after it.
        return { task: withStep(so.task, step), events: [...so.events, { type: 'step.added', step }] }
      },
      { task, events: [] },
    )
    if (added.events.length > 0) return added.events
  }
  return follows.map((rule) => rule(task)).find((events) => events.length > 0) ?? []
}

function withStep(task: Task, step: ReturnType<typeof newStep>): Task {
  return { ...task, steps: [...task.steps, addedStep(step)] }
}
