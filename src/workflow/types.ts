import type { TaskCommand, Decision } from '../core/deciding/commands.ts'
import type { Outcome } from '../core/deciding/decide.ts'
import type { EffectIntent } from '../core/effects.ts'
import type { Dora } from '../core/environments/dora.ts'
import type { EnvironmentOutcome } from '../core/environments/decide.ts'
import type { EnvironmentCommand, EnvironmentRef, EnvironmentState } from '../core/environments/types.ts'
import type { Part } from '../core/inbound.ts'
import type { Task, TaskEvent } from '../core/task/types.ts'
import type { Commit } from '../store/types.ts'

/** What is settled in the same transaction as the decision, and the claim it depends on. */
export type Extra = Pick<Commit, 'turn' | 'effectDone' | 'effectFailed' | 'links' | 'fence' | 'release'> & {
  /** What is said in the conversation about the outcome, committed with it. */
  readonly beside?: ((outcome: Outcome) => readonly EffectIntent[]) | undefined
  readonly inbound?:
    | { readonly id: string; readonly kind?: string | undefined; readonly part?: Part | undefined }
    | undefined
}

/** The workflow as the inbox, the outbox, the API and the workers use it. */
export interface Workflow {
  /** @param actor who asked for it. @throws Fenced, Settled */
  open(events: readonly TaskEvent[], decision: Decision, actor: string, extra?: Extra): Promise<Outcome>
  /** @throws Fenced, Settled */
  apply(taskId: string, command: TaskCommand, extra?: Extra): Promise<Outcome>
  get(taskId: string): Promise<Task | undefined>
  /** As this process knows it, which may be old: good for what is decided by a commit afterwards, and asked anew where nothing is. */
  known(taskId: string): Promise<Task | undefined>
}

/** The environments as the outbox, the inbox and the sweeper use them. */
export interface Environments {
  apply(ref: EnvironmentRef, command: EnvironmentCommand): Promise<EnvironmentOutcome>
  /** Undefined where nothing has ever happened there. */
  get(ref: EnvironmentRef): Promise<EnvironmentState | undefined>
  /** The figures of its last weeks; undefined where nothing has ever happened there. */
  dora(ref: EnvironmentRef): Promise<Dora | undefined>
  /** Wakes those whose time has come, and gives up what nobody wants any more. */
  look(): Promise<void>
}
