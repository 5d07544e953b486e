import { UserError } from '../core/errors.ts'
import type { StepResult } from '../core/deciding/commands.ts'
import type { Patch } from '../core/artefacts.ts'
import type { Role } from '../core/roles.ts'
import type { Tier } from '../core/settings.ts'
import type { Doing, Step, StepKind, Task } from '../core/task/types.ts'
import type { AgentJob, AgentOutcome } from '../agent/types.ts'
import type { Releases } from '../releases/types.ts'
import type { Checkout, Git, Machine } from '../workspace/types.ts'
import type { Permission } from '../tools/types.ts'

/** A piece of agent work as a role asks for it; the engine adds the model, the journal and the limits. */
export type RoleJob<T> = Pick<AgentJob<T>, 'system' | 'prompt' | 'artefact' | 'handOver' | 'beside'> & {
  readonly tier: Tier
  readonly permissions: readonly Permission[]
  readonly checkout: Checkout | undefined
  /** Whether the pictures of the request are shown with it. */
  readonly showsPictures?: boolean | undefined
  /** The prompt's name and version, for the journal. */
  readonly version?: string | undefined
  readonly check?: AgentJob<T>['check']
  /** Nothing may be changed yet: what stands in the way of whoever tries. */
  readonly notYet?: string | undefined
  /** What is said is gone on with by a later step. */
  readonly isKept?: boolean | undefined
  /** Goes on with the conversation of an earlier step, while that is fresh; `prompt` then stands in place of the job's own. */
  readonly continues?: { readonly step: Step; readonly prompt: string } | undefined
}

/** What a step has at hand. */
export interface StepContext {
  readonly task: Task
  readonly step: Step
  readonly signal: AbortSignal
  /** A code that nobody can guess, to end blocks with: the same for all of a task, so that what is told again is told in the same words. */
  readonly nonce: string
  /** To be called right before something is done that cannot be taken back. @throws when somebody else may have the step by now */
  readonly mayAct: () => void
  readonly git: Git
  readonly releases: Releases
  readonly machine: Machine
  /** What the parts of the change came to, in the order of the design. */
  readonly parts: () => Promise<readonly Part[]>
  /** Does something that may last; people are told of it once it does. */
  during<T>(doing: Doing, work: () => Promise<T>): Promise<T>
  agent<T>(job: RoleJob<T>): Promise<AgentOutcome<T>>
}

/** What a clone of a repository takes: a step has it, and whoever looks at a repository before there is any work. */
export type CloneContext = Pick<StepContext, 'signal' | 'git' | 'machine' | 'during'> & {
  readonly task: Pick<Task, 'settings' | 'baseline' | 'baseSha'> & {
    readonly headSha?: string | undefined
    readonly origin: Pick<Task['origin'], 'repository' | 'pull'>
  }
}

/** One part of a change, and what was made of it. */
export interface Part {
  readonly item: string
  readonly patch: Patch
}

/** The handler of one kind of step. */
export type StepHandler = (context: StepContext) => Promise<StepResult>

/** A role: one file, one line in the registry. */
export interface RoleModule {
  readonly role: Role
  readonly handlers: Partial<Readonly<Record<StepKind, StepHandler>>>
}

/** Thrown when the budget ends a step: what there is so far goes with it. */
export class BudgetReached extends Error {
  readonly patch: Patch | undefined
  constructor(patch?: Patch) {
    super('budget reached')
    this.patch = patch
  }
}

/** Thrown when another limit ends a step: the step has failed, and what there is so far is kept. */
export class LimitReached extends UserError {
  readonly patch: Patch | undefined
  constructor(code: string, message: string, patch: Patch | undefined, hint: string) {
    super(code, message, hint ? { hint } : {})
    this.patch = patch
  }
}
