import type { ModelsByTier } from '../../src/llm/order.ts'
import { pricesWith } from '../../src/llm/prices.ts'
import { createRouter } from '../../src/llm/router.ts'
import type { ModelName, ModelProvider, Router } from '../../src/llm/types.ts'

const M: ModelName = { provider: 'anthropic', model: 'm' }
const PRICE = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 }

/** A router over one provider, for tests of what asks models. */
export function routerOver(
  provider: ModelProvider,
  models: ModelsByTier = { complex: [M], general: [M], simple: [M] },
): Router {
  return createRouter({
    provider,
    models,
    prices: pricesWith(new Map([['anthropic:m', PRICE]])),
    nonceOf: () => 'abc123',
    now: () => 0,
    onFallback: () => {},
  })
}
