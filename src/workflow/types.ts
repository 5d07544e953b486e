import type { TaskCommand, Decision } from '../core/task/commands.ts'
import type { Outcome } from '../core/task/decide.ts'
import type { Task, TaskEvent } from '../core/task/types.ts'
import type { Commit } from '../store/types.ts'

/** What is settled in the same transaction as the decision. */
export type Extra = Pick<Commit, 'turn' | 'effectDone' | 'effectFailed' | 'links'> & {
  readonly inbound?: { readonly id: string; readonly kind?: string | undefined } | undefined
}

/** The workflow as the inbox, the outbox, the API and the workers use it. */
export interface Workflow {
  open(events: readonly TaskEvent[], decision: Decision, extra?: Extra): Promise<Outcome>
  apply(taskId: string, command: TaskCommand, extra?: Extra): Promise<Outcome>
  get(taskId: string): Promise<Task | undefined>
}
