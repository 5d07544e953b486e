import { z } from 'zod'
import { openaiError, Words, wordsOf } from './chat.ts'
import type { Interface, Question, Saying, StreamEvent } from './types.ts'

const Item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: Words.optional(),
  name: z.string().optional(),
  output: Words.optional(),
})
const Body = z.looseObject({
  model: z.string(),
  instructions: z.string().nullish(),
  store: z.boolean().nullish(),
  tools: z.array(z.looseObject({ type: z.literal('function'), name: z.string() })).optional(),
  input: z.array(Item).min(1),
})

function textOf({ content, output, name }: z.infer<typeof Item>): string {
  return wordsOf(content ?? output ?? name)
}

/** Items in a row that one side said: a turn. */
function turnsOf(items: readonly z.infer<typeof Item>[]): { readonly isOurs: boolean; readonly texts: string[] }[] {
  const turns: { isOurs: boolean; texts: string[] }[] = []
  for (const item of items) {
    const isOurs = item.role === 'assistant' || item.type === 'function_call' || item.type === 'reasoning'
    const last = turns.at(-1)
    if (last?.isOurs === isOurs) last.texts.push(textOf(item))
    else turns.push({ isOurs, texts: [textOf(item)] })
  }
  return turns
}

function outputOf(saying: Saying, nth: number): object[] {
  const message = (content: object) => ({
    type: 'message',
    id: `msg_${nth}`,
    role: 'assistant',
    status: 'completed',
    content: [content],
  })
  return [
    ...(saying.thinking
      ? [{ type: 'reasoning', id: `rs_${nth}`, summary: [], encrypted_content: saying.thinking }]
      : []),
    ...(saying.stop === 'refusal'
      ? [message({ type: 'refusal', refusal: saying.text ?? 'no' })]
      : saying.text
        ? [message({ type: 'output_text', text: saying.text, annotations: [], logprobs: [] })]
        : []),
    ...(saying.tools ?? []).map(({ name, input }, index) => ({
      type: 'function_call',
      id: `fc_${nth}_${index}`,
      call_id: `call_${nth}_${index}`,
      name,
      arguments: JSON.stringify(input),
      status: 'completed',
    })),
  ]
}

function responseOf({ model }: Question, saying: Saying, nth: number) {
  const { inputTokens = 1000, outputTokens = 100, cachedTokens = 0 } = saying
  const isCut = saying.stop === 'length'
  return {
    id: `resp_${nth}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    model,
    status: isCut ? 'incomplete' : 'completed',
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    error: null,
    instructions: null,
    metadata: {},
    output: outputOf(saying, nth),
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: inputTokens + outputTokens,
    },
  }
}

/** OpenAI's Responses. */
export const responses: Interface = {
  read(raw) {
    const { model, instructions, tools = [], input } = Body.parse(raw)
    const turns = turnsOf(input)
    return {
      model,
      system: instructions ?? '',
      tools: tools.map(({ name }) => name),
      texts: turns.map(({ texts }) => texts.join('\n')),
      turn: turns.filter(({ isOurs }) => isOurs).length + 1,
    }
  },
  whole: responseOf,
  events(question, saying, nth) {
    const response = responseOf(question, saying, nth)
    let number = 0
    const event = (type: string, data: object): StreamEvent => ({
      name: type,
      data: { type, sequence_number: number++, ...data },
    })
    return [
      event('response.created', { response: { ...response, status: 'in_progress', output: [], usage: null } }),
      ...response.output.flatMap((item, output_index) => [
        event('response.output_item.added', { output_index, item: { ...item, status: 'in_progress' } }),
        ...('arguments' in item
          ? [
              event('response.function_call_arguments.delta', {
                item_id: 'id' in item ? item.id : '',
                output_index,
                delta: item.arguments,
              }),
            ]
          : []),
        event('response.output_item.done', { output_index, item }),
      ]),
      event(response.status === 'incomplete' ? 'response.incomplete' : 'response.completed', { response }),
    ]
  },
  error: openaiError,
}
