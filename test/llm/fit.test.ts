import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fitted } from '../../src/llm/fit.ts'
import { ModelError, type Message, type ModelProvider } from '../../src/llm/types.ts'
import { createRouter } from '../../src/llm/router.ts'
import { pricesWith } from '../../src/llm/prices.ts'

const user = (text: string): Message => ({ role: 'user', text })
const round = (nth: number, output: number): Message[] => [
  { role: 'assistant', blocks: [{ type: 'tool_use', id: `c${nth}`, name: 'read', input: { path: `f${nth}` } }] },
  { role: 'tools', results: [{ id: `c${nth}`, text: 'x'.repeat(output), isError: false }], note: undefined },
]
const rounds = (count: number, output: number) => Array.from({ length: count }, (_, nth) => round(nth, output)).flat()
const charactersOf = (messages: readonly Message[]) =>
  messages.reduce((sum, one) => {
    if (one.role === 'user') return sum + one.text.length
    if (one.role === 'assistant') return sum + JSON.stringify(one.blocks).length
    return sum + one.results.reduce((all, { text }) => all + text.length, 0)
  }, 0)
const said = (messages: readonly Message[]) => JSON.stringify(messages)

describe('a conversation that is longer than the window', () => {
  it('stays as it is while it fits', () => {
    const messages = [user('the request'), ...rounds(4, 1000)]
    expect(fitted(messages, 100, 10_000)).toEqual({ messages, leftOut: undefined })
  })

  it('loses old output first, the oldest first, and says how much; what is worked on stays', () => {
    const messages = [user('the request'), ...rounds(20, 1000)]
    const found = fitted(messages, 0, 5000)
    expect(found?.leftOut).toMatch(/^\d+ characters of older work$/)
    expect(found?.messages).toHaveLength(messages.length)
    expect(found?.messages[0]).toEqual(messages[0])
    expect(said(found?.messages.slice(0, 3) ?? [])).toContain('1000 characters left out')
    expect(found?.messages.slice(-6)).toEqual(messages.slice(-6))
  })

  it('is cut at the same place for some turns, so that a prompt cache finds its beginning again', () => {
    const at = (count: number) => fitted([user('r'), ...rounds(count, 1000)], 0, 5000)?.messages ?? []
    const same = [20, 21, 22].map((count) => said(at(count).slice(0, 12)))
    expect(new Set(same).size).toBe(1)
  })

  it('is told in few words where that is not enough, the request and what people said in full', () => {
    const long: Message = { role: 'assistant', blocks: [{ type: 'text', text: 'thought '.repeat(500) }] }
    const people = user('please keep the old name')
    const messages = [
      user('the request'),
      ...rounds(2, 10),
      people,
      ...Array.from({ length: 30 }, () => [long, user('go on')]).flat(),
      ...rounds(4, 10),
    ]
    const found = fitted(messages, 0, 14_000)
    const [first] = found?.messages ?? []
    expect(first?.role === 'user' ? first.text : '').toMatch(
      /^the request\n\n## What you did so far[\s\S]*called read[\s\S]*please keep the old name/,
    )
    expect(found?.messages.slice(-6)).toEqual(messages.slice(-6))
  })

  it('is given up where the request alone is too long', () => {
    expect(fitted([user('x'.repeat(100_000))], 0, 1000)).toBe(undefined)
    expect(fitted([user('x'.repeat(100_000)), ...rounds(20, 10)], 0, 1000)).toBe(undefined)
  })

  it('always fits, keeps every request and word of people, and asks for nothing without its answer', () => {
    const message = fc.oneof(
      fc.string({ maxLength: 40 }).map((text) => [user(`said ${text}`)]),
      fc.tuple(fc.nat(50), fc.nat(4000)).map(([nth, size]) => round(nth, size)),
    )
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), fc.integer({ min: 500, max: 12_000 }), (parts, tokens) => {
        const messages = [user('THE REQUEST'), ...parts.flat()]
        const found = fitted(messages, 100, tokens)
        if (!found) return
        // Every character that is sent is one of these.
        expect(charactersOf(found.messages) + 100).toBeLessThanOrEqual(tokens * 3)
        for (const one of messages)
          if (one.role === 'user') expect(said(found.messages)).toContain(said([user(one.text)]).slice(24, -3))
        for (const [at, one] of found.messages.entries())
          if (one.role === 'tools') expect(found.messages[at - 1]?.role).toBe('assistant')
      }),
    )
  })
})

describe('the router', () => {
  const call = {
    origin: { taskId: 't', role: 'sd', step: 'build', attempt: 1, turn: 1 },
    needs: { tier: 'complex', role: 'sd', last: undefined, privacy: 'any' },
    system: 's',
    messages: [user('r'), ...rounds(30, 4000)],
    tools: [],
    signal: new AbortController().signal,
  } as const
  const asked: string[] = []
  const provider: ModelProvider = {
    complete: async ({ model, messages }) => {
      asked.push(`${model} ${said(messages).length}`)
      const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
      return { model, blocks: [], stop: 'end', usage }
    },
  }
  const router = (windows: Readonly<Record<string, number>>) => {
    const models = ['small', 'large'].map((model) => ({ provider: 'local', model }) as const)
    return createRouter({
      provider,
      models: { complex: models, general: models, simple: models },
      prices: pricesWith(new Map()),
      nonceOf: () => 'abc123',
      now: () => 0,
      windowOf: ({ model }) => windows[model],
      onFallback: () => {},
    })
  }

  it('cuts what is too long for a model, and says so in the reason', async () => {
    const { reason, by } = await router({ small: 30_000 }).ask(call)
    expect(by.model).toBe('small')
    expect(reason).toMatch(/\d+ characters of older work left out/)
  })

  it('asks another where nothing helps, and says what to do where there is none', async () => {
    const huge = { ...call, messages: [user('x'.repeat(200_000))] }
    const { by, reason } = await router({ small: 20_000, large: 200_000 }).ask(huge)
    expect([by.model, reason]).toEqual(['large', expect.stringContaining('window')])
    const error: unknown = await router({ small: 20_000, large: 20_000 })
      .ask(huge)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ModelError)
    expect(error).toMatchObject({ kind: 'window', hint: expect.stringContaining('larger window') })
  })

  it('counts as the vendor does, once it has heard how that counts', async () => {
    const asked: number[] = []
    const each: { now: number } = { now: 1.6 }
    const counting: ModelProvider = {
      complete: async ({ model, messages }) => {
        asked.push(said(messages).length)
        const inputTokens = Math.round(charactersOf(messages) / each.now)
        return {
          model,
          blocks: [],
          stop: 'end',
          usage: { inputTokens, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
        }
      },
    }
    const models = [{ provider: 'local', model: 'dense' }] as const
    const one = createRouter({
      provider: counting,
      models: { complex: models, general: models, simple: models },
      prices: pricesWith(new Map()),
      nonceOf: () => 'abc123',
      now: () => 0,
      windowOf: () => 40_000,
      onFallback: () => {},
    })
    const long = { ...call, messages: [user('r'), ...rounds(20, 4000)] }
    await one.ask(long)
    const { reason } = await one.ask(long)
    expect(reason).toMatch(/left out$/)
    // 32,000 tokens fit beside the answer, of some 1.36 characters each.
    expect(asked[1]).toBeLessThan(Math.min(asked[0] ?? 0, 32_000 * 1.6))
    each.now = 4
    for (let nth = 0; nth < 9; nth++) await one.ask(long)
    expect((await one.ask(long)).reason).not.toMatch(/left out/)
  })
})
