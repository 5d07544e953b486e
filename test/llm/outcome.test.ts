import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tierByOutcome } from '../../src/llm/outcome.ts'
import type { OutcomeRow } from '../../src/store/usage/types.ts'
import type { ModelsByTier } from '../../src/llm/order.ts'
import { createRouter } from '../../src/llm/router.ts'
import type { ModelName, ModelRequest, Stakes } from '../../src/llm/types.ts'
import { pricesWith } from '../../src/llm/prices.ts'

const DEAR: ModelName = { provider: 'anthropic', model: 'claude-opus-5-5' }
const CHEAP: ModelName = { provider: 'anthropic', model: 'claude-sonnet-5-5' }
const MODELS: ModelsByTier = { complex: [DEAR], general: [CHEAP], simple: [CHEAP] }
const STAKES: Stakes = { repository: 'acme/shop', risk: 'low', isSmall: true, hasFailed: false, leftUsd: 5, chance: 1 }

const came = (model: ModelName, tasks: number, failed: number, usd: number, repository = 'acme/shop'): OutcomeRow => ({
  ...model,
  model: `${model.model}-20261101`,
  repository,
  tasks,
  merged: tasks - failed,
  failed,
  usd,
})
const GOOD = [came(CHEAP, 10, 1, 2), came(DEAR, 10, 1, 8)]

describe('a cheaper model first where history allows', () => {
  it('does small work of low risk that has not failed, and nothing else', () => {
    const { tier, reason } = tierByOutcome('complex', MODELS, GOOD, STAKES)
    expect(tier).toBe('general')
    expect(reason).toBe(
      'general: claude-sonnet-5-5: 10 tasks, 10 % failed, $0.22 a merge; claude-opus-5-5: 10 tasks, 10 % failed, $0.89 a merge',
    )
    for (const other of [{ hasFailed: true }, { isSmall: false }, { risk: 'medium' }, { risk: 'high' }] as const)
      expect(tierByOutcome('complex', MODELS, GOOD, { ...STAKES, ...other }).tier).toBe('complex')
    expect(tierByOutcome('general', MODELS, GOOD, STAKES)).toEqual({ tier: 'general', reason: 'general' })
    expect(tierByOutcome('complex', MODELS, GOOD, undefined).tier).toBe('complex')
  })

  it('not where it fails more often, or costs no less for what is merged', () => {
    const failing = [came(CHEAP, 10, 4, 2), came(DEAR, 10, 1, 8)]
    expect(tierByOutcome('complex', MODELS, failing, STAKES).tier).toBe('complex')
    const dearer = [came(CHEAP, 10, 1, 9), came(DEAR, 10, 1, 8)]
    expect(tierByOutcome('complex', MODELS, dearer, STAKES).tier).toBe('complex')
    // The dearer one would most likely not come to an end.
    expect(
      tierByOutcome(
        'complex',
        MODELS,
        dearer.map((one) => ({ ...one, usd: one.model.startsWith('claude-opus') ? 80 : 9 })),
        { ...STAKES, leftUsd: 1 },
      ).tier,
    ).toBe('general')
  })

  it('what came of it in the repository counts before what did elsewhere, and too little says nothing', () => {
    const elsewhere = [came(CHEAP, 30, 0, 3, 'acme/other'), came(CHEAP, 5, 4, 1), came(DEAR, 10, 1, 8)]
    expect(tierByOutcome('complex', MODELS, elsewhere, STAKES).tier).toBe('complex')
    expect(tierByOutcome('complex', MODELS, elsewhere, { ...STAKES, repository: 'acme/new' }).tier).toBe('general')
    const little = [came(CHEAP, 4, 0, 1)]
    expect(tierByOutcome('complex', MODELS, little, STAKES).reason).toContain('little is known')
    // One of five is tried, so that something comes to be known.
    const tried = [0, 1, 2, 3, 4].map((chance) => tierByOutcome('complex', MODELS, little, { ...STAKES, chance }).tier)
    expect(tried.filter((tier) => tier === 'general')).toEqual(['general'])
  })

  it('a model is known by its name, whatever day a vendor writes behind it, and never by the beginning of another one', () => {
    const [dear, cheap] = [
      { provider: 'openai', model: 'gpt-5' },
      { provider: 'openai', model: 'gpt-5-mini' },
    ] as const
    const models: ModelsByTier = { complex: [dear], general: [cheap], simple: [cheap] }
    const dated = (model: ModelName, usd: number) => ({
      ...came(model, 10, 1, usd),
      model: `${model.model}-2025-08-07`,
    })
    const { tier, reason } = tierByOutcome('complex', models, [dated(cheap, 1), dated(dear, 9)], STAKES)
    expect(tier).toBe('general')
    expect(reason).toContain('gpt-5: 10 tasks')
  })

  it('is decided whatever the figures are, and never for a dearer tier than was wanted', () => {
    const rows = fc.array(
      fc.record({
        provider: fc.constant('anthropic'),
        model: fc.constantFrom(DEAR.model, CHEAP.model),
        repository: fc.constantFrom('acme/shop', 'acme/other'),
        tasks: fc.nat(50),
        merged: fc.nat(50),
        failed: fc.nat(50),
        usd: fc.double({ min: 0, max: 1000, noNaN: true }),
      }),
    )
    fc.assert(
      fc.property(rows, fc.nat(), (outcomes, chance) => {
        const { tier, reason } = tierByOutcome('complex', MODELS, outcomes, { ...STAKES, chance })
        expect(['complex', 'general']).toContain(tier)
        expect(reason.startsWith(tier)).toBe(true)
        expect(reason).not.toMatch(/NaN|Infinity/)
        expect(tierByOutcome('simple', MODELS, outcomes, STAKES).tier).toBe('simple')
      }),
    )
  })
})

it('`apply_patch` is told only to models that are trained on it', async () => {
  const tools = [
    { name: 'edit', description: '', input: {} },
    { name: 'apply_patch', description: '', input: {}, wants: 'patches' as const },
  ]
  const told: string[] = []
  for (const model of [DEAR, { provider: 'openai', model: 'gpt-5.6-sol' }] as const) {
    const router = createRouter({
      provider: {
        complete: async ({ tools: given }) => {
          told.push(given.map(({ name }) => name).join())
          const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
          return { model: model.model, blocks: [], stop: 'end', usage }
        },
      },
      models: { complex: [model], general: [model], simple: [model] },
      prices: pricesWith(new Map()),
      nonceOf: () => 'n',
      now: () => 0,
      onFallback: () => {},
    })
    const origin = { taskId: 't', role: 'sd', step: 'build', attempt: 1, turn: 1 }
    const { signal } = new AbortController()
    const needs = { tier: 'complex', privacy: 'any' } as const
    await router.ask({ origin, system: '', messages: [{ role: 'user', text: 'x' }], tools, signal, needs })
  }
  expect(told).toEqual(['edit', 'edit,apply_patch'])
})

it('the router asks the one that is chosen, records why, and goes on with a conversation whatever figures say by then', async () => {
  const asked: ModelRequest[] = []
  let outcomes: readonly OutcomeRow[] = GOOD
  const router = createRouter({
    provider: {
      complete: async (request) => {
        asked.push(request)
        const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
        return { model: request.model, blocks: [], stop: 'end', usage }
      },
    },
    models: MODELS,
    prices: pricesWith(new Map()),
    nonceOf: () => 'n',
    now: () => 0,
    outcomes: async () => outcomes,
    onFallback: () => {},
  })
  const call = (last?: ModelName) =>
    router.ask({
      origin: { taskId: 't', role: 'sd', step: 'build', attempt: 1, turn: 1 },
      system: '',
      messages: [{ role: 'user', text: 'x' }],
      tools: [],
      signal: new AbortController().signal,
      needs: { tier: 'complex', privacy: 'any', stakes: STAKES, last },
    })
  const first = await call()
  expect([first.by, first.tier, first.reason.slice(0, 8)]).toEqual([CHEAP, 'general', 'general:'])
  outcomes = []
  expect((await call(CHEAP)).by).toEqual(CHEAP)
  expect((await call(DEAR)).by).toEqual(DEAR)
  expect((await call()).by).toEqual(DEAR)
})
