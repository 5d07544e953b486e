import type OpenAI from 'openai'
import type {
  ChatCompletionCreateParamsStreaming,
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions'
import { z } from 'zod'
import type { Block, Message, ModelReply, ModelRequest, Picture, ToolResult, Usage } from '../types.ts'
import { inputOf, unreadable } from './errors.ts'
import type { Service } from './module.ts'
import { argumentsOf, dataUrl } from './responses.ts'
import { count, PromptDetails, usageFrom } from './usage.ts'

/** One question by the Chat Completions interface, which many services speak, not all to the letter. */
export async function askChat(client: OpenAI, request: ModelRequest, service: Service): Promise<ModelReply> {
  const body = bodyOf(request, service)
  const stream = await client.chat.completions.create(body, { signal: request.signal })
  const gathered = await gather(stream)
  if (!gathered.finish) throw unreadable(new Error('the stream broke off'))
  return replyOf(gathered, request)
}

function bodyOf(request: ModelRequest, { isOpenai }: Service): ChatCompletionCreateParamsStreaming {
  return {
    model: request.model,
    messages: [{ role: 'system', content: request.system }, ...request.messages.flatMap(messagesOf)],
    ...(request.tools.length > 0 ? { tools: request.tools.map(toolOf) } : {}),
    // The newer name is OpenAI's own; the others know the older one.
    ...(isOpenai ? { max_completion_tokens: request.maxTokens } : { max_tokens: request.maxTokens }),
    ...(isOpenai ? { prompt_cache_key: request.origin.taskId } : {}),
    stream: true,
    stream_options: { include_usage: true },
  }
}

function toolOf({ name, description, input }: ModelRequest['tools'][number]): ChatCompletionFunctionTool {
  return { type: 'function', function: { name, description, parameters: { ...input } } }
}

function messagesOf(message: Message): ChatCompletionMessageParam[] {
  switch (message.role) {
    case 'user':
      return [userOf(message)]
    case 'assistant':
      return [assistantOf(message.blocks)]
    case 'tools':
      return [
        ...message.results.map(({ id, text, isError }) => ({
          role: 'tool' as const,
          tool_call_id: id,
          content: `${isError ? 'failed: ' : ''}${text || '(no output)'}`,
        })),
        ...message.results.flatMap(seenOf),
        ...(message.note ? [{ role: 'user' as const, content: message.note }] : []),
      ]
  }
}

function userOf({ text, pictures = [] }: Extract<Message, { role: 'user' }>): ChatCompletionMessageParam {
  if (pictures.length === 0) return { role: 'user', content: text }
  return { role: 'user', content: [...pictures.map(imageOf), { type: 'text', text }] }
}

function imageOf(picture: Picture) {
  return { type: 'image_url' as const, image_url: { url: dataUrl(picture) } }
}

/** What a tool answers is text alone here: a picture comes behind it, as if somebody had handed it in. */
function seenOf({ id, picture }: ToolResult): ChatCompletionMessageParam[] {
  if (!picture) return []
  return [{ role: 'user', content: [{ type: 'text', text: `The picture of ${id}:` }, imageOf(picture)] }]
}

function assistantOf(blocks: readonly Block[]): ChatCompletionMessageParam {
  const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
  const calls = blocks.flatMap((block) =>
    block.type === 'tool_use'
      ? [
          {
            id: block.id,
            type: 'function' as const,
            function: { name: block.name, arguments: argumentsOf(block.input) },
          },
        ]
      : [],
  )
  return calls.length > 0
    ? { role: 'assistant', content: text || null, tool_calls: calls }
    : { role: 'assistant', content: text || '(nothing)' }
}

const ChunkUsage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: PromptDetails,
})
/** A chunk, as far as it is read: whoever stands between may have left out the rest. */
const Chunk = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.number().nullish(),
                  id: z.string().nullish(),
                  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: ChunkUsage.nullish(),
})

interface Call {
  id: string
  name: string
  args: string
}

interface Gathered {
  model: string | undefined
  text: string
  refusal: string
  finish: string | undefined
  readonly calls: Call[]
  usage: z.infer<typeof ChunkUsage> | undefined
}

async function gather(stream: AsyncIterable<unknown>): Promise<Gathered> {
  const gathered: Gathered = { model: undefined, text: '', refusal: '', finish: undefined, calls: [], usage: undefined }
  for await (const raw of stream) {
    const chunk = Chunk.safeParse(raw)
    if (!chunk.success) throw unreadable(chunk.error)
    add(gathered, chunk.data)
  }
  return gathered
}

function add(gathered: Gathered, { model, choices, usage }: z.infer<typeof Chunk>): void {
  gathered.model ||= model ?? undefined
  gathered.usage = usage ?? gathered.usage
  const [choice] = choices ?? []
  if (!choice) return
  gathered.text += choice.delta?.content ?? ''
  gathered.refusal += choice.delta?.refusal ?? ''
  gathered.finish = choice.finish_reason ?? gathered.finish
  for (const { index, id, function: called } of choice.delta?.tool_calls ?? []) {
    // Some services number no calls, and send each whole.
    const at = index ?? (id ? gathered.calls.length : Math.max(0, gathered.calls.length - 1))
    const call = (gathered.calls[at] ??= { id: '', name: '', args: '' })
    call.id ||= id ?? ''
    call.name ||= called?.name ?? ''
    call.args += called?.arguments ?? ''
  }
}

function replyOf({ model, text, refusal, finish, calls, usage }: Gathered, request: ModelRequest): ModelReply {
  const called = calls.filter(Boolean).map(
    ({ id, name, args }, nth): Block => ({
      type: 'tool_use',
      id: id || `call_${request.origin.turn}_${nth}`,
      name,
      input: inputOf(args),
    }),
  )
  const blocks: Block[] = [...(text ? [{ type: 'text' as const, text }] : []), ...called]
  return {
    model: model || request.model,
    blocks,
    stop:
      finish === 'length'
        ? 'length'
        : refusal || finish === 'content_filter'
          ? 'refusal'
          : called.length > 0
            ? 'tools'
            : 'end',
    usage: usage
      ? usageFrom(usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details)
      : estimated(request, text + calls.map(({ args }) => args).join('')),
  }
}

/** A service that does not say what it took: some four characters are a token, so that no budget is kept by nothing. */
const CHARACTERS_A_TOKEN = 4

function estimated({ system, messages, tools }: ModelRequest, answer: string): Usage {
  const asked = JSON.stringify([system, messages, tools]).length
  return {
    inputTokens: Math.ceil(asked / CHARACTERS_A_TOKEN),
    outputTokens: Math.ceil(answer.length / CHARACTERS_A_TOKEN),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  }
}
