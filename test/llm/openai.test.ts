import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterEach, describe, expect, it } from 'vitest'
import { type ModelServer, startModelServer } from '../../rehearsal/models/server.ts'
import type { Saying } from '../../rehearsal/models/types.ts'
import { openaiProvider } from '../../src/llm/openai/client.ts'
import type { Interface } from '../../src/llm/openai/module.ts'
import { priceOf } from '../../src/llm/openai/prices.ts'
import { replyOf } from '../../src/llm/openai/responses.ts'
import type { Message, ModelReply, ModelRequest } from '../../src/llm/types.ts'

const DESCRIPTION = resolve(import.meta.dirname, '../../../shared/contracts/openai-part.json')
const INTERFACES = ['responses', 'chat'] as const

const closing: ModelServer[] = []
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close()
})

const request = (messages: readonly Message[] = [{ role: 'user', text: 'x' }]): ModelRequest => ({
  provider: 'openai',
  model: 'gpt-5.6-sol',
  maxTokens: 100,
  system: 'You are PM',
  tools: [{ name: 'look', description: 'Looks.', input: { type: 'object', properties: { path: { type: 'string' } } } }],
  messages,
  signal: new AbortController().signal,
  origin: { taskId: 't', role: 'pm', step: 'spec', attempt: 1, turn: 2 },
})

async function ask(by: Interface, saying: Saying, messages?: readonly Message[], isOpenai = true) {
  const server = await startModelServer(() => saying)
  closing.push(server)
  const variables = { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL' }
  const provider = openaiProvider({ baseUrl: `${server.url}/v1`, apiKey: 'k', by, isOpenai, variables })
  const reply = provider.complete(request(messages))
  return { reply, server }
}

const TALK: readonly Message[] = [
  { role: 'user', text: 'Look at a.' },
  {
    role: 'assistant',
    by: 'openai',
    blocks: [
      { type: 'text', text: 'I look.' },
      { type: 'tool_use', id: 'call_1', name: 'look', input: { path: 'a' } },
      { type: 'tool_use', id: 'call_2', name: 'look', input: 'no { json' },
    ],
  },
  {
    role: 'tools',
    results: [
      {
        id: 'call_1',
        text: 'a is there',
        isError: false,
        picture: { type: 'image/gif', base64: 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7' },
      },
      { id: 'call_2', text: 'wrong input', isError: true },
    ],
    note: 'Wrap up.',
  },
]

describe.each(INTERFACES)("OpenAI's %s", (by) => {
  it('tells tokens of all kinds apart, each counted once', async () => {
    const { reply } = await ask(by, { text: 'hi', inputTokens: 1000, cachedTokens: 900, outputTokens: 7 })
    expect((await reply).usage).toEqual({
      inputTokens: 100,
      outputTokens: 7,
      cacheReadTokens: 900,
      cacheWriteTokens: 0,
    })
  })

  it('sends a conversation with calls, results that failed, and a note', async () => {
    const { reply, server } = await ask(by, { text: 'hi' }, TALK)
    await reply
    const [asked] = server.asked
    expect(asked).toMatchObject({ system: 'You are PM', tools: ['look'], turn: 2 })
    expect(JSON.stringify(asked?.body)).toContain('failed: wrong input')
    expect(JSON.stringify(asked?.body)).toContain('no { json')
    expect(JSON.stringify(asked?.body)).toContain('data:image/gif;base64,R0lGOD')
    expect(asked?.texts.at(-1)).toContain('Wrap up.')
  })

  it('takes a refusal for one, and an answer that breaks off for none', async () => {
    expect((await (await ask(by, { text: 'I will not', stop: 'refusal' })).reply).stop).toBe('refusal')
    for (const broken of ['cut', 'garbage'] as const) {
      const { reply } = await ask(by, { text: 'hello', broken })
      await expect(reply).rejects.toMatchObject({ kind: 'busy' })
    }
  })

  it('waits for what passes, and never asks an account without credit again', async () => {
    const failing = async (saying: Saying) => (await ask(by, saying)).reply
    await expect(failing({ status: 503, headers: { 'retry-after-ms': '250' } })).rejects.toMatchObject({
      kind: 'busy',
      retryAfterMs: 250,
    })
    const error = (code: string) => ({ error: { message: 'x', type: code, param: null, code } })
    for (const code of ['insufficient_quota', 'credit_balance_exhausted'])
      await expect(failing({ status: 429, body: error(code) })).rejects.toMatchObject({ kind: 'credit' })
    await expect(failing({ status: 404, body: error('model_not_found') })).rejects.toMatchObject({
      kind: 'request',
      hint: expect.stringContaining('MUSTER_MODELS'),
    })
    await expect(failing({ status: 400, body: error('context_length_exceeded') })).rejects.toMatchObject({
      kind: 'request',
    })
  })

  it.skipIf(!existsSync(DESCRIPTION))(
    "is spoken as OpenAI's own description says, both ways (skipped where that is not at hand)",
    async () => {
      const schemas = validators()
      const [asks, answers] =
        by === 'responses'
          ? (['CreateResponse', 'Response'] as const)
          : (['CreateChatCompletionRequest', 'CreateChatCompletionResponse'] as const)
      const { reply, server } = await ask(by, { text: 'hi', tools: [{ name: 'look', input: {} }] }, TALK)
      await reply
      expect(schemas(asks, server.asked[0]?.body)).toEqual([])
      const body = { ...(server.asked[0]?.body as object), stream: false }
      const path = by === 'responses' ? 'responses' : 'chat/completions'
      const whole = await fetch(`${server.url}/v1/${path}`, { method: 'POST', body: JSON.stringify(body) })
      expect(schemas(answers, await whole.json())).toEqual([])
    },
  )
})

/** @returns what is wrong by OpenAI's description, a line each */
function validators() {
  // `nullable` is of an older form of such descriptions.
  const text = readFileSync(DESCRIPTION, 'utf8').replaceAll(/"nullable":\s*(?:true|false)/g, '"x-nullable": true')
  const { components } = JSON.parse(text) as { components: object }
  const ajv = new Ajv2020({ strict: false, allErrors: true, discriminator: false })
  addFormats.default(ajv)
  ajv.addFormat('unixtime', true)
  ajv.addSchema({ $id: 'openai', components })
  return (name: string, value: unknown): string[] => {
    const check = ajv.compile({ $ref: `openai#/components/schemas/${name}` })
    return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

it('gives a model its thinking back as it came, and to nobody else', async () => {
  const { reply } = await ask('responses', { thinking: 'sealed', tools: [{ name: 'look', input: {} }] })
  const { blocks } = await reply
  expect(blocks[0]).toMatchObject({ type: 'opaque', value: { type: 'reasoning', encrypted_content: 'sealed' } })
  const { reply: second, server } = await ask('responses', { text: 'hi' }, [
    { role: 'user', text: 'x' },
    { role: 'assistant', blocks, by: 'openai' },
    { role: 'tools', results: [{ id: 'call_1_0', text: 'y', isError: false }], note: undefined },
  ])
  await second
  expect(JSON.stringify(server.asked[0]?.body)).toContain('"encrypted_content":"sealed"')
})

it('asks other services in the older words, and estimates what they do not count', async () => {
  const { reply, server } = await ask('chat', { text: 'hi' }, undefined, false)
  await reply
  expect(server.asked[0]?.body).toMatchObject({ max_tokens: 100 })
  expect(server.asked[0]?.body).not.toHaveProperty('prompt_cache_key')
})

it('says why a response failed, and takes none that is none', () => {
  const base = { model: 'm', output: [], usage: { input_tokens: 1, output_tokens: 1 } }
  expect(() => replyOf({ ...base, status: 'failed', error: { code: 'server_error', message: 'x' } })).toThrow(
    'in the middle',
  )
  expect(() => replyOf({ model: 'm' })).toThrow('cannot be read')
  const cut: ModelReply = replyOf({
    ...base,
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
  })
  expect(cut.stop).toBe('length')
})

it('knows what models cost, and does not guess for their dearer sisters', () => {
  expect(priceOf('gpt-5.6-luna-2026-09-01')).toMatchObject({ input: 1, output: 6 })
  expect(priceOf('gpt-5.4-mini')).toMatchObject({ input: 0.75 })
  expect(priceOf('gpt-5.2-pro')).toBeUndefined()
  expect(priceOf('gpt-9')).toBeUndefined()
})
