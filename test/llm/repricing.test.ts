import { expect, it } from 'vitest'
import { usageLines } from '../../src/cli/usage.ts'
import { pricesWith, readPrices } from '../../src/llm/prices.ts'
import { repriced } from '../../src/llm/repricing.ts'

const asked = {
  provider: 'openai',
  model: 'large',
  tier: 'complex',
  prompt: 'sd',
  turns: 12,
  inputTokens: 2_000_000,
  cacheReadTokens: 1_000_000,
  cacheWriteTokens: 500_000,
  outputTokens: 100_000,
  usd: 9,
  medianMs: 2500,
}

it('prices the same tokens anew, each kind at its own price, the dearest first', () => {
  const prices = pricesWith(readPrices('openai:large=4/20/1/5,openai:small=1/4,local:own=0/0', []))
  const models = [
    { provider: 'openai', model: 'small' },
    { provider: 'openai', model: 'large' },
    { provider: 'local', model: 'own' },
    { provider: 'openai', model: 'unpriced' },
    { provider: 'openai', model: 'large' },
  ] as const
  const all = repriced([asked], models, prices)
  // 0.5M at 4 + 0.1M at 20 + 1M at 1 + 0.5M at 5; without prices of a cache what it read costs as much as any other token.
  expect(all.map(({ model, usd }) => [model.model, usd])).toEqual([
    ['large', 7.5],
    ['small', 2.4],
    ['own', 0],
  ])
  expect(repriced([], models, prices).map(({ usd }) => usd)).toEqual([0, 0, 0])
})

it('is said in lines that show what a cache had, what a merge cost, and that a re-pricing is none', () => {
  const outcomes = [
    { repository: 'acme/shop', provider: 'openai', model: 'large', tasks: 4, merged: 3, failed: 1, usd: 9 },
    { repository: 'acme/none', provider: 'openai', model: 'large', tasks: 1, merged: 0, failed: 1, usd: 1 },
  ]
  const anew = [
    { provider: 'openai', model: 'large', usd: 10 },
    { provider: 'openai', model: 'small', usd: 2.5 },
  ]
  const text = usageLines({ days: 30, turns: [asked], outcomes, repriced: anew }).join('\n')
  expect(text).toMatch(/openai:large {2}complex {2}sd {3}.*12 +2000k +50 % +100k +2\.5 s +\$9\.00/)
  expect(text).toMatch(/acme\/shop +openai:large +4 +3 +1 +\$3\.00/)
  expect(text).toMatch(/acme\/none .* –$/m)
  expect(text).toMatch(/openai:small +\$2\.50 +25 %/)
  expect(text).toMatch(/as it was +\$9\.00 +90 %/)
  expect(text).toContain('no forecast')
  expect(usageLines({ days: 7, turns: [], outcomes: [], repriced: [] })).toEqual([
    'No model was asked in the last 7 days.',
  ])
})
