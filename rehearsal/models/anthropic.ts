import { z } from 'zod'
import type { Interface, Question, Saying, StreamEvent } from './types.ts'

const Part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  name: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).optional(),
})
const Body = z.looseObject({
  model: z.string(),
  max_tokens: z.number().min(1),
  system: z.array(z.object({ text: z.string() })).optional(),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(Part)]) }))
    .min(1),
})

function textOf(content: z.infer<typeof Body>['messages'][number]['content']): string {
  if (typeof content === 'string') return content
  return content
    .map(
      ({ text, content: inner, name }) =>
        text ?? (typeof inner === 'string' ? inner : inner?.map((one) => one.text ?? '').join('\n')) ?? name ?? '',
    )
    .join('\n')
}

function blocksOf(saying: Saying, nth: number): object[] {
  return [
    ...(saying.thinking ? [{ type: 'thinking', thinking: '', signature: saying.thinking }] : []),
    ...(saying.text ? [{ type: 'text', text: saying.text }] : []),
    ...(saying.tools ?? []).map((tool, index) => ({ type: 'tool_use', id: `toolu_${nth}_${index}`, ...tool })),
  ]
}

function stopOf({ stop, tools }: Saying): string {
  if (stop) return stop === 'length' ? 'max_tokens' : 'refusal'
  return tools?.length ? 'tool_use' : 'end_turn'
}

function usageOf({ inputTokens = 1000, outputTokens = 100, cachedTokens = 0 }: Saying) {
  return {
    input_tokens: inputTokens - cachedTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
  }
}

function messageOf({ model }: Question, saying: Saying, nth: number) {
  return {
    id: `msg_${nth}`,
    type: 'message',
    role: 'assistant',
    model,
    content: blocksOf(saying, nth),
    stop_reason: stopOf(saying),
    stop_sequence: null,
    usage: usageOf(saying),
  }
}

/** What of a block comes when it begins, and what after. */
function partsOf(block: object): readonly [begun: object, delta: object] {
  if ('thinking' in block && 'signature' in block)
    return [
      { type: 'thinking', thinking: '', signature: '' },
      { type: 'signature_delta', signature: block.signature },
    ]
  if ('input' in block)
    return [
      { ...block, input: {} },
      { type: 'input_json_delta', partial_json: JSON.stringify(block.input) },
    ]
  return [
    { type: 'text', text: '' },
    { type: 'text_delta', text: 'text' in block ? block.text : '' },
  ]
}

/** Anthropic's Messages. */
export const anthropic: Interface = {
  read(raw) {
    const body = Body.parse(raw)
    return {
      model: body.model,
      system: (body.system ?? []).map(({ text }) => text).join('\n'),
      tools: (body.tools ?? []).map(({ name }) => name),
      texts: body.messages.map(({ content }) => textOf(content)),
      turn: body.messages.filter(({ role }) => role === 'assistant').length + 1,
    }
  },
  whole: messageOf,
  events(question, saying, nth) {
    const message = messageOf(question, saying, nth)
    const event = (type: string, data: object): StreamEvent => ({ name: type, data: { type, ...data } })
    return [
      event('message_start', {
        message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } },
      }),
      ...message.content.flatMap((block, index) => {
        const [content_block, delta] = partsOf(block)
        return [
          event('content_block_start', { index, content_block }),
          event('content_block_delta', { index, delta }),
          event('content_block_stop', { index }),
        ]
      }),
      event('message_delta', {
        delta: { stop_reason: message.stop_reason, stop_sequence: null },
        usage: { output_tokens: message.usage.output_tokens },
      }),
      event('message_stop', {}),
    ]
  },
  error: (status) => ({
    type: 'error',
    error: {
      type: status === 529 ? 'overloaded_error' : status === 401 ? 'authentication_error' : 'api_error',
      message: 'acted',
    },
  }),
}
