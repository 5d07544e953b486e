import { spent } from '../core/policy.ts'
import { stepById } from '../core/task/steps.ts'
import type { Task } from '../core/task/types.ts'

/** What a step may still spend, dollars: what is kept for it; of a version before, whatever is left. */
export function leftFor(task: Task, id: string): number {
  const { capUsd, costUsd = 0 } = stepById(task, id) ?? {}
  return capUsd === undefined ? task.budgetUsd - spent(task) : capUsd - costUsd
}
