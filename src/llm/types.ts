import type { PluginId } from '../core/registry.ts'

/** The model seam: one question, one answer. Everything else (limits, journal, tools) is ours. */

/** Whose models are asked. What is known of each stands in `llm/registry.ts`. */
export type CoreProvider = 'anthropic'
export type ProviderName = CoreProvider | PluginId

export interface ModelName {
  readonly provider: ProviderName
  readonly model: string
}

/** A tool as the model is told of it; `input` is a JSON schema. */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  readonly input: Readonly<Record<string, unknown>>
}

export type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }
  /** A provider's own block (its thinking), kept only to be given back exactly as it came. */
  | { readonly type: 'opaque'; readonly value: unknown }

export interface ToolResult {
  readonly id: string
  readonly text: string
  readonly isError: boolean
}

export type Message =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly blocks: readonly Block[] }
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
  readonly signal: AbortSignal
}

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

/** Why a model call failed, as far as it matters to what happens next. */
export type ModelErrorKind = 'busy' | 'key' | 'credit' | 'request' | 'story'

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
