import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chat } from '../../rehearsal/models/chat.ts'
import { responses } from '../../rehearsal/models/responses.ts'
import type { Interface, Question, Saying } from '../../rehearsal/models/types.ts'
import { PROVIDERS } from '../../src/llm/registry.ts'
import type { CoreProvider } from '../../src/llm/types.ts'
import { type ProviderBench, providerContract, type VendorAnswer } from '../../src/plugin/contracts/providers.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Anthropic's stream of one block. */
function streamed(block: object, delta: object, stop: string): VendorAnswer {
  const usage = { input_tokens: 10, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
  const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, usage }
  const events: readonly (readonly [type: string, data: object])[] = [
    ['message_start', { message }],
    ['content_block_start', { index: 0, content_block: block }],
    ['content_block_delta', { index: 0, delta }],
    ['content_block_stop', { index: 0 }],
    ['message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 5 } }],
    ['message_stop', {}],
  ]
  const body = events.map(([type, data]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`).join('')
  return { status: 200, headers: { 'content-type': 'text/event-stream' }, body }
}
const error = (status: number, type: string, headers = {}): VendorAnswer => ({
  status,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify({ type: 'error', error: { type, message: 'x' } }),
})
const text = (stop: string) => streamed({ type: 'text', text: '' }, { type: 'text_delta', text: 'hello' }, stop)

const QUESTION: Question = { api: 'chat', model: 'm', system: '', tools: [], texts: [], turn: 1, body: {} }

/** What one of OpenAI's interfaces answers. */
function openaiAnswers(speaks: Interface): ProviderBench['answers'] {
  const stream = (saying: Saying): VendorAnswer => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: speaks
      .events(QUESTION, saying, 1)
      .map(
        ({ name, data }) =>
          `${name ? `event: ${name}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
      )
      .join(''),
  })
  const failed = (status: number, headers = {}): VendorAnswer => ({
    status,
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify(speaks.error(status)),
  })
  return {
    text: stream({ text: 'hello' }),
    cut: stream({ text: 'hel', stop: 'length' }),
    tool: stream({ tools: [{ name: 'look', input: { path: 'a' } }] }),
    denied: failed(401),
    busy: failed(429, { 'retry-after': '7' }),
    broken: { status: 200, headers: JSON_TYPE, body: '<html>a gateway</html>' },
  }
}

/** What each provider is put to the test with. */
const BENCHES: Readonly<Record<CoreProvider, ProviderBench | 'clouds.slow.test.ts'>> = {
  anthropic: {
    env: (url) => ({ ANTHROPIC_API_KEY: 'key-of-the-account', ANTHROPIC_BASE_URL: url }),
    answers: {
      text: text('end_turn'),
      cut: text('max_tokens'),
      tool: streamed(
        { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
        { type: 'input_json_delta', partial_json: '{"path":"a"}' },
        'tool_use',
      ),
      denied: error(401, 'authentication_error'),
      busy: error(529, 'overloaded_error', { 'retry-after': '7' }),
      broken: { status: 200, headers: JSON_TYPE, body: '<html>a gateway</html>' },
    },
  },
  openai: {
    env: (url) => ({ OPENAI_API_KEY: 'key-of-the-account', OPENAI_BASE_URL: url }),
    answers: openaiAnswers(responses),
  },
  local: {
    env: (url) => ({ LOCAL_MODEL_URL: url, LOCAL_MODEL_KEY: 'key-of-the-machine' }),
    answers: openaiAnswers(chat),
  },
  bedrock: 'clouds.slow.test.ts',
  vertex: 'clouds.slow.test.ts',
}
const benches = new Map<string, ProviderBench | string>(Object.entries(BENCHES))

/** Every provider: a new one is finished when this passes, and it has a row above. */
describe.each(PROVIDERS.all())('the provider $name', (module) => {
  const bench = benches.get(module.name)
  if (!bench) throw new Error(`${module.name} has no bench`)
  if (typeof bench === 'string')
    return it(`is put to the test where its package is installed: ${bench}`, () => {
      expect(existsSync(new URL(bench, import.meta.url))).toBe(true)
    })
  for (const { name, run } of providerContract(module, bench)) it(name, run)
})
