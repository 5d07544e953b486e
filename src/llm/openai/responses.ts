import type OpenAI from 'openai'
import type {
  FunctionTool,
  ResponseFunctionCallOutputItemList,
  ResponseCreateParamsStreaming,
  ResponseInputItem,
  ResponseStreamEvent,
} from 'openai/resources/responses/responses'
import { z } from 'zod'
import {
  type Block,
  type Message,
  ModelError,
  type ModelReply,
  type ModelRequest,
  type Picture,
  type ToolResult,
} from '../types.ts'
import { inputOf, unreadable } from './errors.ts'
import type { Service } from './module.ts'
import { count, PromptDetails, usageFrom } from './usage.ts'

/** One question by the Responses interface. Nothing is kept there (`store: false`): the conversation is sent whole each time. */
export async function askResponses(client: OpenAI, request: ModelRequest, service: Service): Promise<ModelReply> {
  const stream = await client.responses.create(bodyOf(request, service), { signal: request.signal })
  return replyOf(await lastOf(stream))
}

function bodyOf(request: ModelRequest, { isOpenai }: Service): ResponseCreateParamsStreaming {
  return {
    model: request.model,
    instructions: request.system,
    input: request.messages.flatMap(itemsOf),
    tools: request.tools.map(toolOf),
    max_output_tokens: request.maxTokens,
    store: false,
    stream: true,
    // Calls of one task go where the beginning of their prompt is cached.
    ...(isOpenai ? { prompt_cache_key: request.origin.taskId } : {}),
  }
}

function toolOf({ name, description, input }: ModelRequest['tools'][number]): FunctionTool {
  return { type: 'function', name, description, parameters: { ...input }, strict: false }
}

function itemsOf(message: Message): ResponseInputItem[] {
  switch (message.role) {
    case 'user':
      return [userOf(message)]
    case 'assistant':
      return message.blocks.map(itemOf)
    case 'tools':
      return [
        ...message.results.map((result) => ({
          type: 'function_call_output' as const,
          call_id: result.id,
          output: outputOf(result),
        })),
        ...(message.note ? [{ role: 'user' as const, content: message.note }] : []),
      ]
  }
}

function userOf({ text, pictures = [] }: Extract<Message, { role: 'user' }>): ResponseInputItem {
  if (pictures.length === 0) return { role: 'user', content: text }
  return { role: 'user', content: [...pictures.map(imageOf), { type: 'input_text', text }] }
}

function imageOf(picture: Picture) {
  return { type: 'input_image' as const, image_url: dataUrl(picture), detail: 'auto' as const }
}

function outputOf({ text, isError, picture }: ToolResult): string | ResponseFunctionCallOutputItemList {
  const words = `${isError ? 'failed: ' : ''}${text || '(no output)'}`
  if (!picture) return words
  return [{ type: 'input_text', text: words }, imageOf(picture)]
}

/** How both interfaces take a picture. */
export function dataUrl({ type, base64 }: Picture): string {
  return `data:${type};base64,${base64}`
}

function itemOf(block: Block): ResponseInputItem {
  switch (block.type) {
    case 'text':
      return { role: 'assistant', content: block.text }
    case 'tool_use':
      return { type: 'function_call', call_id: block.id, name: block.name, arguments: argumentsOf(block.input) }
    case 'opaque':
      // The boundary cast of this seam: it came from this provider, and must go back unchanged.
      return block.value as ResponseInputItem
  }
}

/** As the model wrote it, where that was no JSON. */
export function argumentsOf(input: unknown): string {
  return typeof input === 'string' ? input : JSON.stringify(input ?? {})
}

/** What the stream says in the end; items that were done count as they were then. @throws ModelError where it breaks off */
async function lastOf(stream: AsyncIterable<ResponseStreamEvent>): Promise<unknown> {
  const done: unknown[] = []
  let last: unknown
  for await (const event of stream) {
    if (event.type === 'error') throw streamError(event.code, event.message)
    if (event.type === 'response.output_item.done') done[event.output_index] = event.item
    if (event.type === 'response.completed' || event.type === 'response.incomplete' || event.type === 'response.failed')
      last = event.response
  }
  if (typeof last !== 'object' || last === null) throw unreadable(new Error('the stream broke off'))
  return done.length > 0 ? { ...last, output: done.filter(Boolean) } : last
}

function streamError(code: string | null | undefined, message: string): ModelError {
  const cause = new Error(`${code ?? ''} ${message}`)
  return /quota|credit|billing/i.test(code ?? '')
    ? new ModelError('credit', "the model provider's spending limit is reached", { cause })
    : new ModelError('busy', 'the model provider failed in the middle of its answer', { cause })
}

const Item = z.union([
  z.object({
    type: z.literal('message'),
    content: z.array(
      z.union([
        z.object({ type: z.literal('output_text'), text: z.string() }),
        z.object({ type: z.literal('refusal'), refusal: z.string() }),
        z.looseObject({ type: z.string() }).refine(({ type }) => type !== 'output_text' && type !== 'refusal'),
      ]),
    ),
  }),
  z.object({ type: z.literal('function_call'), call_id: z.string().min(1), name: z.string(), arguments: z.string() }),
  z.looseObject({ type: z.string() }).refine(({ type }) => type !== 'message' && type !== 'function_call'),
])
const Answer = z.object({
  model: z.string(),
  status: z.string().nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z.array(Item),
  usage: z.object({
    input_tokens: count,
    output_tokens: count,
    input_tokens_details: PromptDetails,
  }),
})

/** An answer as the rest of Muster knows it. @throws ModelError where it is none */
export function replyOf(answer: unknown): ModelReply {
  const read = Answer.safeParse(answer)
  if (!read.success) throw unreadable(read.error)
  const { model, status, error, output, usage, incomplete_details: cut } = read.data
  if (status === 'failed') throw streamError(error?.code, error?.message ?? '')
  const blocks = output.flatMap(blocksOf)
  return {
    model,
    blocks,
    stop: stopOf(output, blocks, cut?.reason ?? undefined),
    usage: usageFrom(usage.input_tokens, usage.output_tokens, usage.input_tokens_details),
  }
}

type AnswerItem = z.infer<typeof Item>
const isMessage = (item: AnswerItem): item is Extract<AnswerItem, { type: 'message' }> => item.type === 'message'
const isCall = (item: AnswerItem): item is Extract<AnswerItem, { type: 'function_call'; call_id: string }> =>
  item.type === 'function_call'

function blocksOf(item: AnswerItem): Block[] {
  if (isMessage(item))
    return item.content.flatMap((part): Block[] =>
      'text' in part && typeof part.text === 'string' && part.text !== '' ? [{ type: 'text', text: part.text }] : [],
    )
  if (isCall(item)) return [{ type: 'tool_use', id: item.call_id, name: item.name, input: inputOf(item.arguments) }]
  return [{ type: 'opaque', value: item }]
}

function stopOf(output: readonly AnswerItem[], blocks: readonly Block[], cut: string | undefined): ModelReply['stop'] {
  if (cut === 'max_output_tokens') return 'length'
  const refused = output.some((item) => isMessage(item) && item.content.some(({ type }) => type === 'refusal'))
  if (refused || cut === 'content_filter') return 'refusal'
  return blocks.some(({ type }) => type === 'tool_use') ? 'tools' : 'end'
}
