import type { Price } from './module.ts'
import { PROVIDERS } from './registry.ts'
import type { ModelName, Usage } from './types.ts'

/** An unknown model is charged as a dear one, so that a budget is never overrun by a missing line. */
const DEAREST: Price = { input: 15, output: 75, cacheRead: 1.5, cacheWrite: 18.75 }

function priceOf({ provider, model }: ModelName): Price | undefined {
  return PROVIDERS.get(provider)?.priceOf(model)
}

/** Whether a model has a price of its own here. */
export function isPriced(model: ModelName): boolean {
  return priceOf(model) !== undefined
}

/** What a call cost in dollars, at list price. */
export function costOf(model: ModelName, usage: Usage): number {
  const { input, output, cacheRead, cacheWrite, long } = priceOf(model) ?? DEAREST
  const prompt = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const times = long && prompt > long.tokens ? long.times : 1
  return (
    (times *
      (usage.inputTokens * input +
        usage.outputTokens * output +
        usage.cacheReadTokens * cacheRead +
        usage.cacheWriteTokens * cacheWrite)) /
    1e6
  )
}
