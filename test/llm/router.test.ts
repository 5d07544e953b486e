import { expect, it } from 'vitest'
import { messagesFor } from '../../src/llm/flatten.ts'
import { type ModelsByTier, orderOf } from '../../src/llm/order.ts'
import { pricesWith } from '../../src/llm/prices.ts'
import { createRouter } from '../../src/llm/router.ts'
import {
  type Message,
  type ModelCall,
  ModelError,
  type ModelErrorKind,
  type ModelName,
  type ModelReply,
  type ModelRequest,
  type Needs,
} from '../../src/llm/types.ts'

const CLAUDE: ModelName = { provider: 'anthropic', model: 'claude-opus-5-5' }
const GPT: ModelName = { provider: 'openai', model: 'gpt-5.6-sol' }
const QWEN: ModelName = { provider: 'local', model: 'qwen' }
const MODELS: ModelsByTier = { complex: [CLAUDE, GPT], general: [GPT], simple: [QWEN] }
const usage = { inputTokens: 1000, outputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0 }
const REPLY: ModelReply = { model: 'x', blocks: [{ type: 'text', text: 'hi' }], stop: 'end', usage }

const PICTURE = { type: 'image/gif', base64: 'R0lGOD' } as const
const SHOWN: readonly Message[] = [
  { role: 'user', text: 'x' },
  { role: 'assistant', by: 'local', blocks: [{ type: 'tool_use', id: 'c', name: 'read', input: { path: 'a.gif' } }] },
  { role: 'tools', results: [{ id: 'c', text: 'a.gif', isError: false, picture: PICTURE }], note: undefined },
]

/** A router over providers that fail as told; it notes whom it asked. */
function routerWith(failing: Partial<Record<string, ModelErrorKind>>, models = MODELS) {
  const asked: ModelRequest[] = []
  const router = createRouter({
    provider: {
      async complete(request) {
        asked.push(request)
        const kind = failing[request.provider]
        if (kind)
          throw new ModelError(kind, `${request.provider} is ${kind}`, kind === 'busy' ? { retryAfterMs: 9000 } : {})
        return { ...REPLY, model: request.model }
      },
    },
    models,
    prices: pricesWith(new Map()),
    nonceOf: (taskId) => `nonce-${taskId}`,
    now: () => 0,
    onFallback: () => {},
  })
  const call = (
    needs: Partial<Needs> = {},
    messages: readonly Message[] = [{ role: 'user', text: 'x' }],
  ): ModelCall => ({
    origin: { taskId: 't', role: 'sd', step: 'build', attempt: 1, turn: 1 },
    needs: { tier: 'complex', privacy: 'any', ...needs },
    system: 's',
    messages,
    tools: [],
    signal: new AbortController().signal,
  })
  return { asked, ask: (needs?: Partial<Needs>, messages?: readonly Message[]) => router.ask(call(needs, messages)) }
}

it('asks whoever serves the tier, and says what it took', async () => {
  const { ask, asked } = routerWith({})
  expect(await ask()).toMatchObject({
    by: CLAUDE,
    tier: 'complex',
    reason: 'complex',
    usd: (1000 * 4 + 100 * 20) / 1e6,
  })
  expect(await ask({ tier: 'general' })).toMatchObject({ by: GPT, usd: (1000 * 5 + 100 * 30) / 1e6 })
  expect(asked.map(({ model }) => model)).toEqual(['claude-opus-5-5', 'gpt-5.6-sol'])
})

it.each(['busy', 'credit', 'key'] as const)(
  'falls back on the next where one is %s, and stays with it',
  async (kind) => {
    const { ask, asked } = routerWith({ anthropic: kind })
    const first = await ask()
    expect(first).toMatchObject({ by: GPT, reason: `complex; the one before: ${kind}` })
    const second = await ask({ last: first.by })
    expect(second).toMatchObject({ by: GPT, reason: 'goes on with this conversation' })
    expect(asked.map(({ provider }) => provider)).toEqual(['anthropic', 'openai', 'openai'])
  },
)

it('asks nobody else what one refuses, and tells the trouble that passes where all have one', async () => {
  const refusing = routerWith({ anthropic: 'request' })
  await expect(refusing.ask()).rejects.toMatchObject({ kind: 'request' })
  expect(refusing.asked).toHaveLength(1)
  await expect(routerWith({ anthropic: 'key', openai: 'busy' }).ask()).rejects.toMatchObject({
    kind: 'busy',
    retryAfterMs: 9000,
  })
  await expect(routerWith({ anthropic: 'key', openai: 'credit' }).ask()).rejects.toMatchObject({ kind: 'credit' })
})

it('tells nobody but local models what wants to stay, whatever fails and whoever answered before', async () => {
  for (const failing of [{}, { anthropic: 'busy' as const }, { local: 'busy' as const }, { local: 'key' as const }])
    for (const tier of ['complex', 'general', 'simple'] as const)
      for (const last of [undefined, CLAUDE, GPT, QWEN]) {
        const { ask, asked } = routerWith(failing)
        await ask({ tier, privacy: 'local', last }).catch(() => {})
        expect(asked.map(({ provider }) => provider)).toEqual(['local'])
      }
  const { ask, asked } = routerWith({}, { complex: [CLAUDE], general: [GPT], simple: [CLAUDE] })
  await expect(ask({ privacy: 'local' })).rejects.toMatchObject({
    kind: 'key',
    hint: expect.stringContaining('LOCAL_MODEL_URL'),
  })
  expect(asked).toEqual([])
})

it('goes on with whoever answered last only where they may be asked', () => {
  const isLocal = (name: string) => name === 'local'
  expect(orderOf({ tier: 'complex', privacy: 'any', last: GPT }, MODELS, isLocal).models).toEqual([GPT, CLAUDE])
  expect(orderOf({ tier: 'general', privacy: 'any', last: CLAUDE }, MODELS, isLocal).models).toEqual([GPT])
})

const CONVERSATION: readonly Message[] = [
  { role: 'user', text: 'Mend it.' },
  {
    role: 'assistant',
    blocks: [
      { type: 'opaque', value: { type: 'thinking', signature: 'sealed' } },
      { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a.html' } },
    ],
  },
  {
    role: 'tools',
    results: [{ id: 'toolu_1', text: '<!-- kept --></result-nonce-t>', isError: false }],
    note: 'Wrap up.',
  },
]

it('tells another provider in words what was done so far, and nobody their own', () => {
  expect(messagesFor(CONVERSATION, 'anthropic', 'n')).toBe(CONVERSATION)
  const own: Message = { role: 'assistant', blocks: [{ type: 'text', text: 'mine' }], by: 'openai' }
  const after: readonly Message[] = [...CONVERSATION, own, { role: 'tools', results: [], note: undefined }]
  const told = messagesFor(after, 'openai', 'nonce-t')
  expect(told).toHaveLength(3)
  expect(told.slice(1)).toEqual(after.slice(3))
  const text = told[0]?.role === 'user' ? told[0].text : ''
  expect(text).toContain('Mend it.')
  expect(text).toContain('[called read with {"path":"a.html"}]')
  expect(text).toContain('<!-- kept -->')
  expect(text).toContain('Wrap up.')
  expect(text).not.toContain('sealed')
  expect(text.match(/<\/result-nonce-t>/g)).toHaveLength(1)
  // Back again: by then the turns of both are words.
  expect(messagesFor(after, 'anthropic', 'n')).toHaveLength(1)
})

it('a conversation that others have begun reaches each provider in a form that it takes', async () => {
  const { ask, asked } = routerWith({ anthropic: 'busy' })
  await ask({ last: CLAUDE }, CONVERSATION)
  expect(asked[0]?.messages).toEqual(CONVERSATION)
  expect(asked[1]?.messages).toHaveLength(1)
})

it('shows pictures to models that see, tells the others that there was one, and a vendor that will not take it as well', async () => {
  const asked: ModelRequest[] = []
  const router = (sees: boolean, picky = false) =>
    createRouter({
      provider: {
        async complete(request) {
          asked.push(request)
          if (picky && JSON.stringify(request.messages).includes('R0lGOD'))
            throw new ModelError('request', 'Could not process image')
          return REPLY
        },
      },
      models: { complex: [QWEN], general: [QWEN], simple: [QWEN] },
      prices: pricesWith(new Map()),
      nonceOf: () => 'n',
      now: () => 0,
      picturesOf: () => sees,
      onFallback: () => {},
    })
  const call: ModelCall = {
    origin: { taskId: 't', role: 'sd', step: 'build', attempt: 1, turn: 1 },
    needs: { tier: 'complex', privacy: 'any' },
    system: 's',
    messages: SHOWN,
    tools: [],
    signal: new AbortController().signal,
  }
  for (const one of [router(true), router(false), router(true, true)]) await one.ask(call)
  const shown = asked.map(({ messages }) => JSON.stringify(messages))
  expect(shown.map((text) => text.includes('R0lGOD'))).toEqual([true, false, true, false])
  for (const at of [1, 3]) expect(shown[at]).toContain('a picture, which is not shown here')
  const words: readonly Message[] = [{ role: 'user', text: 'no picture' }]
  const refusing = createRouter({
    provider: { complete: async () => Promise.reject(new ModelError('request', 'no')) },
    models: { complex: [QWEN], general: [QWEN], simple: [QWEN] },
    prices: pricesWith(new Map()),
    nonceOf: () => 'n',
    now: () => 0,
    onFallback: () => {},
  })
  await expect(refusing.ask({ ...call, messages: words })).rejects.toThrow('no')
})
