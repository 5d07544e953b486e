import { z } from 'zod'
import type { Interface, Question, Saying, StreamEvent } from './types.ts'

/** Words, or parts some of which are pictures. */
export const Words = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))])
const Body = z.looseObject({
  model: z.string(),
  tools: z.array(z.object({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) })).optional(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: Words.nullish(),
        tool_calls: z.array(z.object({ function: z.object({ name: z.string() }) })).optional(),
      }),
    )
    .min(1),
})

export function wordsOf(words: z.infer<typeof Words> | null = ''): string {
  return typeof words === 'string' ? words : (words ?? []).map(({ text }) => text ?? '').join('\n')
}

function usageOf({ inputTokens = 1000, outputTokens = 100, cachedTokens = 0 }: Saying) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

function callsOf({ tools = [] }: Saying, nth: number) {
  return tools.map(({ name, input }, index) => ({
    id: `call_${nth}_${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }))
}

function finishOf({ stop, tools }: Saying): string {
  if (stop) return stop === 'length' ? 'length' : 'content_filter'
  return tools?.length ? 'tool_calls' : 'stop'
}

const created = () => Math.floor(Date.now() / 1000)

/** OpenAI's Chat Completions. */
export const chat: Interface = {
  read(raw) {
    const { model, tools = [], messages } = Body.parse(raw)
    const isSystem = ({ role }: { role: string }) => role === 'system' || role === 'developer'
    return {
      model,
      system: messages
        .filter(isSystem)
        .map(({ content }) => wordsOf(content))
        .join('\n'),
      tools: tools.map((tool) => tool.function.name),
      texts: messages
        .filter((one) => !isSystem(one))
        .map(({ content, tool_calls: calls = [] }) =>
          [wordsOf(content), ...calls.map((call) => call.function.name)].join('\n'),
        ),
      turn: messages.filter(({ role }) => role === 'assistant').length + 1,
    }
  },
  whole({ model }: Question, saying, nth) {
    const calls = callsOf(saying, nth)
    const message = {
      role: 'assistant',
      content: saying.text ?? null,
      refusal: null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    }
    const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(saying) }]
    return {
      id: `chatcmpl-${nth}`,
      object: 'chat.completion',
      created: created(),
      model,
      choices,
      usage: usageOf(saying),
    }
  },
  events({ model }, saying, nth) {
    const chunk = (choices: object[], usage: object | null = null): StreamEvent => ({
      data: { id: `chatcmpl-${nth}`, object: 'chat.completion.chunk', created: created(), model, choices, usage },
    })
    const choice = (delta: object, finish_reason: string | null = null) => [{ index: 0, delta, finish_reason }]
    return [
      chunk(choice({ role: 'assistant', content: saying.text ?? '' })),
      // The arguments come in pieces, as they do.
      ...callsOf(saying, nth).flatMap(({ function: { name, arguments: args }, ...rest }, index) => {
        const half = Math.ceil(args.length / 2)
        const piece = (text: string) => chunk(choice({ tool_calls: [{ index, function: { arguments: text } }] }))
        return [
          chunk(choice({ tool_calls: [{ index, ...rest, function: { name, arguments: '' } }] })),
          piece(args.slice(0, half)),
          piece(args.slice(half)),
        ]
      }),
      chunk(choice({}, finishOf(saying))),
      chunk([], usageOf(saying)),
      { data: '[DONE]' },
    ]
  },
  error: openaiError,
}

/** As both of OpenAI's interfaces write it. */
export function openaiError(status: number): object {
  const code = status === 401 ? 'invalid_api_key' : status === 429 ? 'rate_limit_exceeded' : null
  return {
    error: { message: 'acted', type: status >= 500 ? 'server_error' : 'invalid_request_error', param: null, code },
  }
}
