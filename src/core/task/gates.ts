import { surfaceKey } from '../said.ts'
import type { Task, TaskEvent } from './types.ts'

type GateEvent = Extract<TaskEvent, { type: `gate.${string}` | 'budget.extended' }>

/** What waits for people, after an event about it. */
export function changeGate(task: Task, event: GateEvent, at: number): Task {
  switch (event.type) {
    case 'gate.opened':
      return {
        ...task,
        gate: { ...event.gate, openedAt: at },
        ...(event.gate.kind === 'budget' ? { budgetGate: { nth: (task.budgetGate?.nth ?? 0) + 1, open: true } } : {}),
      }
    case 'gate.approved':
      return {
        ...task,
        gate: undefined,
        approvals: [...task.approvals, { gate: event.gate, hash: event.hash, sha: event.sha, by: event.by, at }],
      }
    case 'gate.rejected':
      return {
        ...task,
        gate: undefined,
        notes: [...task.notes, { by: event.by, text: `Rejected: ${event.reason}`, at }],
      }
    case 'gate.answered':
      return { ...task, gate: undefined, notes: [...task.notes, { by: event.by, text: event.text, at }] }
    case 'budget.extended':
      return {
        ...task,
        gate: undefined,
        budgetUsd: task.budgetUsd + event.usd,
        ...(task.budgetGate ? { budgetGate: { ...task.budgetGate, open: false } } : {}),
      }
  }
}

/** What is known of the tests as they were, after an event about that. */
export function changeBaseline(task: Task, event: Extract<TaskEvent, { type: `baseline.${string}` }>): Task {
  if (event.type === 'baseline.made') return { ...task, baseline: event.baseline }
  const { baseline } = task
  return {
    ...task,
    gate: undefined,
    ...(baseline && event.how === 'accepted' ? { baseline: { ...baseline, accepted: event.by } } : {}),
  }
}

/** Where the conversation is held, after an event about that. */
export function changeSurfaces(task: Task, event: Extract<TaskEvent, { type: `surface.${string}` }>, at: number): Task {
  const key = surfaceKey(event.surface)
  const others = (task.surfaces ?? []).filter((one) => surfaceKey(one) !== key)
  const troubled = (task.troubled ?? []).filter((one) => one !== key)
  if (event.type === 'surface.linked') return { ...task, surfaces: [...others, event.surface] }
  if (event.type === 'surface.unlinked') return { ...task, surfaces: others, ...(task.troubled ? { troubled } : {}) }
  if (event.type === 'surface.mended') return { ...task, troubled, mended: { ...task.mended, [key]: at } }
  return { ...task, troubled: [...troubled, key] }
}

/** What could not be sent is sent again: what had not begun when the work ended over it goes on from there. */
export function sentAgain(task: Task): Task {
  const steps = task.steps.map((step) =>
    step.status === 'cancelled' && step.attempt === 0
      ? { ...step, status: 'pending' as const, endedAt: undefined }
      : step,
  )
  return { ...task, steps, lost: undefined, status: 'working', finishedAt: undefined, outcome: undefined }
}
