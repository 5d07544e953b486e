import type { Usage } from './types.ts'

/** Dollars per million tokens: input, output, cache read, cache write. Source: Anthropic's published price list, 2026. */
type Price = readonly [input: number, output: number, cacheRead: number, cacheWrite: number]

const PRICES: readonly (readonly [prefix: string, price: Price])[] = [
  ['claude-opus-4-1', [15, 75, 1.5, 18.75]],
  ['claude-opus-4-2', [15, 75, 1.5, 18.75]],
  ['claude-opus-4', [5, 25, 0.5, 6.25]],
  ['claude-sonnet', [3, 15, 0.3, 3.75]],
  ['claude-haiku', [1, 5, 0.1, 1.25]],
]

/** An unknown model is charged as the dearest known one, so that a budget is never overrun by a missing line. */
const DEAREST: Price = [15, 75, 1.5, 18.75]

/** Whether a model has a price of its own here. */
export function isPriced(model: string): boolean {
  return PRICES.some(([prefix]) => model.startsWith(prefix))
}

/** What a call cost in dollars, at list price. */
export function costOf(model: string, usage: Usage): number {
  const [input, output, read, write] = PRICES.find(([prefix]) => model.startsWith(prefix))?.[1] ?? DEAREST
  return (usage.inputTokens * input + usage.outputTokens * output + usage.cacheReadTokens * read + usage.cacheWriteTokens * write) / 1e6
}
