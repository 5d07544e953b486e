import type { PluginId } from '../core/registry.ts'
import type { Privacy, Tier } from '../core/settings.ts'

/** The model seam: one question, one answer. Everything else (limits, journal, tools) is ours. */

/** Whose models are asked. What is known of each stands in `llm/registry.ts`. */
export type CoreProvider = 'anthropic' | 'openai' | 'local' | 'bedrock' | 'vertex'
export type ProviderName = CoreProvider | PluginId

export interface ModelName {
  readonly provider: ProviderName
  readonly model: string
}

/** What only some models are trained to do. */
export type Wanted = 'patches'

/** A tool as the model is told of it; `input` is a JSON schema. */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  readonly input: Readonly<Record<string, unknown>>
  /** Told only to models that can do this. */
  readonly wants?: Wanted | undefined
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }
  /** A provider's own block (its thinking), kept only to be given back to it exactly as it came. */
  | { readonly type: 'opaque'; readonly value: unknown }

/** A picture, for models that see. */
export interface Picture {
  readonly type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  readonly base64: string
}

export interface ToolResult {
  readonly id: string
  readonly text: string
  readonly isError: boolean
  readonly picture?: Picture | undefined
}

export type Message =
  | { readonly role: 'user'; readonly text: string; readonly pictures?: readonly Picture[] | undefined }
  /** `by`: whose model said it; undefined in journals of before there were several: Anthropic's. */
  | { readonly role: 'assistant'; readonly blocks: readonly Block[]; readonly by?: ProviderName | undefined }
  | { readonly role: 'tools'; readonly results: readonly ToolResult[]; readonly note: string | undefined }

export interface ModelRequest extends ModelName {
  /** Who asks, for stories and records. */
  readonly origin: {
    readonly taskId: string
    readonly role: string
    readonly step: string
    readonly attempt: number
    readonly turn: number
  }
  readonly system: string
  readonly messages: readonly Message[]
  readonly tools: readonly ToolSpec[]
  readonly maxTokens: number
  /** Nothing is expected to be said after the answer: where the vendor is told what to keep in its cache (Anthropic), it is not told to: that costs more, and nobody reads it. */
  readonly isOnce?: boolean | undefined
  readonly signal: AbortSignal
}

/** Tokens of one call. What was read from a cache or written to it counts in no other number. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
}

export interface ModelReply {
  readonly model: string
  readonly blocks: readonly Block[]
  readonly stop: 'end' | 'tools' | 'length' | 'refusal'
  readonly usage: Usage
}

export interface ModelProvider {
  /** @throws ModelError, or the signal's reason when aborted */
  complete(request: ModelRequest): Promise<ModelReply>
}

/** What a call needs of a model; which one that is, the router decides (`router.ts`). */
export interface Needs {
  readonly tier: Tier
  /** Where what is said may go: to any provider that is set up, or to those on the operator's own machines. */
  readonly privacy: Privacy
  /** What hangs on it; undefined: the tier is what it is. */
  readonly stakes?: Stakes | undefined
  /** Who answered last in the same conversation: who has it in its cache, and its own blocks in it. */
  readonly last?: ModelName | undefined
}

/** What hangs on a call, for whoever chooses a cheaper model. */
export interface Stakes {
  readonly repository: string
  /** As the plan has it; undefined before there is one. */
  readonly risk?: 'low' | 'medium' | 'high' | undefined
  /** Whether the request is small. */
  readonly isSmall: boolean
  /** Whether a proof of the same work has failed. */
  readonly hasFailed: boolean
  /** What the step may still spend, dollars. */
  readonly leftUsd: number
  /** A number by which some of many tasks are told from the others, the same for all of a task. */
  readonly chance: number
}

/** A question whose model is still open. */
export type ModelCall = Omit<ModelRequest, 'provider' | 'model' | 'maxTokens'> & {
  readonly needs: Needs
  /** The same question may have the same answer: one that was given before is given again, and paid for once. */
  readonly isRepeatable?: boolean | undefined
}

/** Answers that are given again to exactly the same question, until they expire. */
export interface AnswerStore {
  /** @param key a hash of the question and of who is asked */
  find(key: string): Promise<unknown>
  keep(key: string, reply: ModelReply, ms: number): Promise<void>
}

/** A reply, with who gave it and why they were asked. */
export interface Answered {
  readonly reply: ModelReply
  readonly by: ModelName
  readonly tier: Tier
  /** Why this model, for whoever reads the journal. */
  readonly reason: string
  /** How long it took, ms. */
  readonly ms: number
  /** Dollars, at list price. */
  readonly usd: number
}

/** Who asks models. Nobody else does. */
export interface Router {
  /** @throws ModelError where none that may be asked answers, or the signal's reason */
  ask(call: ModelCall): Promise<Answered>
}

/** Why a model call failed, as far as it matters to what happens next. */
export type ModelErrorKind = 'busy' | 'key' | 'credit' | 'request' | 'story' | 'window'

export class ModelError extends Error {
  readonly kind: ModelErrorKind
  readonly retryAfterMs: number | undefined
  /** What the operator is to do, as people read it in the thread. */
  readonly hint: string | undefined
  constructor(
    kind: ModelErrorKind,
    message: string,
    options: { retryAfterMs?: number | undefined; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ModelError'
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs
    this.hint = options.hint
  }
}
