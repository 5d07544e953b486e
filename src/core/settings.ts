import type { Policy } from './environments/gates.ts'
import type { PluginId } from './registry.ts'

/** What a repository asks for in `.github/muster.yml`, validated and complete (defaults filled in). Times in seconds. */
export interface RepositorySettings {
  readonly mention: string
  readonly label: string
  /** From which risk on a person must approve the plan. */
  readonly approvePlan: PlanApproval
  /** Dollars a task may cost before people are asked. */
  readonly budgetUsd: number
  readonly review: { readonly quietSeconds: number }
  readonly checks: ChecksSettings
  readonly protect: { readonly allow: readonly string[] }
  readonly environments: Readonly<Record<string, EnvironmentSettings>>
  /** The names of the environments as the file has them in order. Undefined in settings that were read before 0.3. */
  readonly order?: readonly string[] | undefined
  /** How long one step may work: turns of the model, and seconds. Undefined in settings that were read before 0.4. */
  readonly limits?: StepLimits | undefined
  /** Undefined in settings that were read before 0.5. */
  readonly schedule?: Schedule | undefined
  /** Whether small requests are planned in one go. Undefined in settings that were read before 0.5: each role does its own. */
  readonly planning?: Planning | undefined
  /** Undefined in settings that were read before 0.5. */
  readonly privacy?: Privacy | undefined
  /** Undefined in settings that were read before 0.3. */
  readonly tickets?: { readonly subtasks: boolean } | undefined
}

/** The environments in the order of the file: where settings are stored, a record keeps none. */
export function environmentNames({
  environments,
  order = [],
}: Pick<RepositorySettings, 'environments' | 'order'>): string[] {
  const known = Object.keys(environments)
  return [...order.filter((name) => known.includes(name)), ...known.filter((name) => !order.includes(name))]
}

export interface StepLimits {
  readonly turns: number
  readonly seconds: number
}
export const DEFAULT_LIMITS: StepLimits = { turns: 60, seconds: 1800 }

/**
 * How many steps of a task may be under way at once: one after the other; whatever can; a fixed number at most; or at most that
 * number, fewer where steps fail or the budget is short.
 */
export interface Schedule {
  readonly policy: 'sequential' | 'parallel' | 'hybrid' | 'adaptive'
  readonly most: number
}
export const DEFAULT_SCHEDULE: Schedule = { policy: 'adaptive', most: 4 }

export type PlanApproval = 'always' | 'medium' | 'high' | 'never'

/** How the repository is set up and tested; unset commands are found from its files. */
export interface ChecksSettings {
  /** Run once in a fresh clone before anything else. */
  readonly setup: string | undefined
  /** Whether the set-up may use the network (the operator must allow it too). */
  readonly setupNetwork: boolean
  /** Whether packages may run scripts of their own while they are installed over the network. Undefined in settings that were read before 0.5. */
  readonly setupScripts?: boolean | undefined
  /** The image that the repository's commands run in; `devcontainer`: the one that is named there. Undefined in settings that were read before 0.5. */
  readonly image?: string | undefined
  /** The paths of submodules that come with a clone. Undefined in settings that were read before 0.5. */
  readonly submodules?: readonly string[] | undefined
  /** What is started beside every command of the repository. Undefined in settings that were read before 0.5. */
  readonly services?: readonly ServiceName[] | undefined
  /** Versions of languages and package managers, by name. Undefined in settings that were read before 0.5. */
  readonly runtimes?: Readonly<Record<string, string>> | undefined
  /** Packages of the repository with commands of their own, by folder. Undefined in settings that were read before 0.5. */
  readonly packages?: Readonly<Record<string, PackageChecks>> | undefined
  /** The whole suite. */
  readonly test: string | undefined
  /** One or more test files; `{files}` stands for them. */
  readonly testFiles: string | undefined
  readonly timeoutSeconds: number
}

/** How the tests of one package are run, in its folder. */
export interface PackageChecks {
  readonly test: string
  /** One or more of its test files; `{files}` stands for them. */
  readonly testFiles: string | undefined
}

/** What tests may have beside them. */
export const SERVICES = ['postgres', 'redis', 'mysql'] as const
export type ServiceName = (typeof SERVICES)[number]

/** What can be deployed to. What is known of each stands in `releases/`. */
export type CoreTarget =
  | 'local-process'
  | 'container'
  | 'durable-objects'
  | 'ssh-haproxy'
  | 'kubernetes'
  | 'cloudflare'
  | 'command'
  | 'github-actions'
  | 'github-deployments'
  | 'github-environment'
export type TargetName = CoreTarget | PluginId

/** One environment to deploy to: what any has, and beside that what its target wants, as that has read it. */
export interface EnvironmentSettings {
  readonly target: TargetName
  readonly watchSeconds: number
  /** Deploy without being asked, once the pull request is merged. */
  readonly auto: boolean
  /** Who may approve: somebody else than the requester, the requester too, or nobody needs to. */
  readonly approval: 'other' | 'self' | 'none'
  /** Undefined in settings that were read before 0.5. */
  readonly policy?: Policy | undefined
  readonly [own: string]: unknown
}

/** Whether something waits there to be told whether it may deploy, wherever it was begun. */
export function isAwaited({ target }: Pick<EnvironmentSettings, 'target'>): boolean {
  return target === 'github-environment'
}

/** `together`: spec and design of a small request by one call; `apart`: always PM, then SA. */
export type Planning = 'together' | 'apart'

/** Where what is in a repository may go: to any model that is set up, or only to models on the operator's own machines. */
export type Privacy = 'any' | 'local'

/** How demanding a piece of thinking is; the operator says which model serves which tier. */
export type Tier = 'complex' | 'general' | 'simple'
