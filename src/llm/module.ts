import type { Env, EnvProblem } from '../core/environment.ts'
import type { ModelProvider, ProviderName } from './types.ts'

/** Whose models are asked. What it needs is loaded when it is opened, not before. `test/contracts/providers.test.ts` says when one is finished. */
export interface ProviderModule {
  readonly name: ProviderName
  /** As people call it. */
  readonly title: string
  /** What has to be set, for whoever has not. */
  readonly needs: string
  /** Every variable that its settings read, `needs` among them: a server is given these, and no other. */
  readonly variables: readonly string[]
  /** From the environment to what it is here; undefined where it is not set up. What is wrong there is added to the problems. */
  readonly settings: (env: Env, problems: EnvProblem[]) => ProviderSetup | undefined
  /** Whether what is said to it stays on the operator's own machines: the only ones that `privacy: local` may be told to. */
  readonly isLocal: boolean
  /** What a model costs at list price; undefined for one that is not known: then people have to say it (`MUSTER_PRICES`). */
  readonly priceOf: (model: string) => Price | undefined
  readonly capabilities: Capabilities
}

/** What its models can do, as far as it matters to how they are asked. */
export interface Capabilities {
  /** The most that one answer may be asked to have, in tokens. */
  readonly outputTokens: number
  /** How much one conversation may have, its answer included, in tokens. */
  readonly windowTokens: number
  /** Whether they are trained on `apply_patch`. */
  readonly patches?: boolean | undefined
  /** Whether they see pictures. */
  readonly pictures?: boolean | undefined
}

/** Dollars per million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** Prompts longer than `tokens` cost so many times as much. */
  readonly long?: { readonly tokens: number; readonly times: number } | undefined
}

/** A provider as it is set up. */
export interface ProviderSetup {
  /** Where the operator says it: how much a conversation with these models may have, in tokens. */
  readonly windowTokens?: number | undefined
  /** Whether these models see pictures, where that is the operator's to say. */
  readonly pictures?: boolean | undefined
  /** What must never be shown. */
  readonly secrets: readonly string[]
  /** The services that it asks, by the variables that name them. */
  readonly addresses: readonly (readonly [variable: string, url: string])[]
  readonly open: () => Promise<ModelProvider>
  /** Whether it answers, and accepts the key. Answers rather than throws. */
  readonly look: () => Promise<ProviderHealth>
}

export interface ProviderHealth {
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  /** What to do where it is not well. */
  readonly fix?: string | undefined
}
