import Anthropic from '@anthropic-ai/sdk'
import type {
  ContentBlockParam,
  ImageBlockParam,
  MessageParam,
  TextBlockParam,
  Tool,
} from '@anthropic-ai/sdk/resources/messages'
import { z } from 'zod'
import { clientOptions, UNREACHED } from '../http.ts'
import {
  type Block,
  type Message,
  ModelError,
  type ModelProvider,
  type ModelReply,
  type ModelRequest,
  type Picture,
  type ToolResult,
} from '../types.ts'

/** Anthropic's Messages API. */
export function anthropicProvider(options: {
  readonly apiKey: string
  readonly baseUrl: string | undefined
  readonly timeoutMs?: number
}): ModelProvider {
  const client = new Anthropic({
    apiKey: options.apiKey,
    ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    ...clientOptions(options.timeoutMs),
  })
  const ask: Ask = (body, signal) => client.messages.stream(body, { signal }).finalMessage()
  return providerOver(ask, '`ANTHROPIC_API_KEY` (and `ANTHROPIC_BASE_URL`)')
}

/** One request; the answer may be anything. */
export type Ask = (body: Anthropic.MessageCreateParamsNonStreaming, signal: AbortSignal) => Promise<unknown>

/** Messages, by whichever way they go. @param look what the operator has to look at where the key is not accepted */
export function providerOver(ask: Ask, look: string): ModelProvider {
  return {
    async complete(request) {
      try {
        return replyOf(await ask(body(request), request.signal))
      } catch (error) {
        request.signal.throwIfAborted()
        throw modelError(error, look)
      }
    },
  }
}

function body(request: ModelRequest): Anthropic.MessageCreateParamsNonStreaming {
  const messages = request.messages.map(messageOf)
  const asked = { model: request.model, max_tokens: request.maxTokens, tools: request.tools.map(toolOf) }
  // What is written to the cache costs a quarter more.
  if (request.isOnce) return { ...asked, system: [{ type: 'text', text: request.system }], messages }
  return {
    ...asked,
    // The prompt up to here is the same in every turn of a step: cached, it costs a tenth.
    system: [{ type: 'text', text: request.system, cache_control: { type: 'ephemeral' } }],
    messages: withCachePoint(messages),
  }
}

function toolOf({ name, description, input }: ModelRequest['tools'][number]): Tool {
  return { name, description, input_schema: { type: 'object', ...input } }
}

function messageOf(message: Message): MessageParam {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: [...(message.pictures ?? []).map(imageOf), { type: 'text', text: message.text }] }
    case 'assistant':
      return { role: 'assistant', content: message.blocks.map(blockOf) }
    case 'tools':
      return {
        role: 'user',
        content: [
          ...message.results.map((result) => ({
            type: 'tool_result' as const,
            tool_use_id: result.id,
            content: contentOf(result),
            is_error: result.isError,
          })),
          ...(message.note ? [{ type: 'text' as const, text: message.note }] : []),
        ],
      }
  }
}

function contentOf({ text, picture }: ToolResult): string | (TextBlockParam | ImageBlockParam)[] {
  const words = text || '(no output)'
  if (!picture) return words
  return [{ type: 'text', text: words }, imageOf(picture)]
}

function imageOf({ type, base64 }: Picture): ImageBlockParam {
  return { type: 'image', source: { type: 'base64', media_type: type, data: base64 } }
}

function blockOf(block: Block): ContentBlockParam {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: block.input }
    case 'opaque':
      // The boundary cast of this seam: it came from this provider, and must go back unchanged.
      return block.value as ContentBlockParam
  }
}

/** Marks the end of the conversation so far, so that the next turn reads it from the cache. */
function withCachePoint(messages: MessageParam[]): MessageParam[] {
  const last = messages.at(-1)
  if (last?.role !== 'user' || typeof last.content === 'string') return messages
  const content = last.content.map((block, index, all) =>
    index === all.length - 1 && (block.type === 'text' || block.type === 'tool_result')
      ? { ...block, cache_control: { type: 'ephemeral' as const } }
      : block,
  )
  return [...messages.slice(0, -1), { role: 'user', content }]
}

const tokens = z
  .number()
  .int()
  .min(0)
  .nullish()
  .transform((count) => count ?? 0)
const Answer = z.object({
  model: z.string(),
  stop_reason: z.string().nullish(),
  content: z.array(
    z.union([
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('tool_use'), id: z.string().min(1), name: z.string(), input: z.unknown() }),
      z.looseObject({ type: z.string() }).refine(({ type }) => type !== 'text' && type !== 'tool_use'),
    ]),
  ),
  usage: z.object({
    input_tokens: tokens,
    output_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
  }),
})

/** An answer as the rest of Muster knows it. Whatever stands between us and the provider may have changed it. @throws ModelError where it is none */
export function replyOf(answer: unknown): ModelReply {
  const read = Answer.safeParse(answer)
  if (!read.success)
    throw new ModelError('busy', 'the model provider gave an answer that cannot be read', { cause: read.error })
  const message = read.data
  const blocks = message.content.map((block): Block => {
    if (isText(block)) return { type: 'text', text: block.text }
    return isToolUse(block)
      ? { type: 'tool_use', id: block.id, name: block.name, input: block.input }
      : { type: 'opaque', value: block }
  })
  const { usage } = message
  return {
    model: message.model,
    blocks,
    stop:
      message.stop_reason === 'tool_use'
        ? 'tools'
        : message.stop_reason === 'max_tokens'
          ? 'length'
          : message.stop_reason === 'refusal'
            ? 'refusal'
            : 'end',
    usage: {
      inputTokens: usage.input_tokens,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
    },
  }
}

type AnswerBlock = z.infer<typeof Answer>['content'][number]

function isText(block: AnswerBlock): block is { type: 'text'; text: string } {
  return block.type === 'text'
}

function isToolUse(block: AnswerBlock): block is { type: 'tool_use'; id: string; name: string; input: unknown } {
  return block.type === 'tool_use'
}

interface ApiError extends Error {
  readonly status: number | undefined
  readonly type?: string | null | undefined
  readonly headers?: { get(name: string): string | null } | undefined
}

/** Also of a copy of the SDK that another client brings. */
function isApiError(error: unknown): error is ApiError {
  return error instanceof Anthropic.APIError || (error instanceof Error && 'status' in error && 'requestID' in error)
}

/** Decides by type and code first, then by status (limits.md: a spend cap is a 429 that must not be retried). */
function modelError(error: unknown, look: string): ModelError {
  if (error instanceof ModelError) return error
  // What stands in the way of a client's own credentials comes wrapped.
  if (error instanceof Error && error.cause instanceof ModelError) return error.cause
  if (!isApiError(error)) return new ModelError('busy', UNREACHED, { cause: error })
  const text = `${error.type ?? ''} ${error.message}`
  const wait = Number(error.headers?.get('retry-after'))
  if (error.status === 401 || error.status === 403)
    return new ModelError('key', 'the model provider does not accept the key', {
      cause: error,
      hint: `The operator should check ${look}, then \`retry\`.`,
    })
  if (/spend_limit|credit balance|billing/i.test(text))
    return new ModelError('credit', "the model provider's spending limit is reached", { cause: error })
  if (error.status === undefined || error.status === 429 || error.status >= 500)
    return new ModelError('busy', error.status === undefined ? UNREACHED : 'the model provider is overloaded', {
      cause: error,
      retryAfterMs: wait > 0 ? wait * 1000 : undefined,
    })
  return new ModelError('request', `the model provider refused the request (${error.status})`, { cause: error })
}
