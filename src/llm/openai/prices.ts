import type { Price } from '../module.ts'

/** @param cached what of the prompt was read from a cache costs so much of the input's price @param written and what was written to one */
const price = (input: number, output: number, cached = 0.1, written = 1, long?: Price['long']): Price => ({
  input,
  output,
  cacheRead: input * cached,
  cacheWrite: input * written,
  ...(long ? { long } : {}),
})

/**
 * By the beginning of the model's name; the first that fits counts. Source: OpenAI's published prices, standard service, November 2026.
 * What GPT-5.6 writes to its cache is told apart in the usage; it is counted as a quarter dearer than the rest, which is not too little.
 */
const PRICES: readonly (readonly [prefix: string, price: Price])[] = [
  ['gpt-5.6-sol', price(5, 30, 0.1, 1.25, { tokens: 272_000, times: 2 })],
  ['gpt-5.6-terra', price(2.5, 15, 0.1, 1.25, { tokens: 272_000, times: 2 })],
  ['gpt-5.6-luna', price(1, 6, 0.1, 1.25)],
  ['gpt-5.5', price(5, 30, 0.1, 1, { tokens: 272_000, times: 2 })],
  ['gpt-5.4-mini', price(0.75, 4.5)],
  ['gpt-5.4-nano', price(0.2, 1.25)],
  ['gpt-5.4', price(2.5, 15, 0.1, 1, { tokens: 272_000, times: 2 })],
  ['gpt-5.2', price(1.75, 14)],
  ['gpt-5.1-mini', price(0.25, 2)],
  ['gpt-5.1', price(1.25, 10)],
  ['gpt-5-mini', price(0.25, 2)],
  ['gpt-5-nano', price(0.05, 0.4)],
  ['gpt-5', price(1.25, 10)],
  ['gpt-4.1-mini', price(0.4, 1.6, 0.25)],
  ['gpt-4.1-nano', price(0.1, 0.4, 0.25)],
  ['gpt-4.1', price(2, 8, 0.25)],
  ['o4-mini', price(1.1, 4.4, 0.25)],
  ['o3', price(2, 8, 0.25)],
]
/** Variants at prices of their own, which begin as the others do. */
const OTHERS = /^(?:o3-mini|.*-pro\b)/

/** What a model costs, where it is known. */
export function priceOf(model: string): Price | undefined {
  return OTHERS.test(model) ? undefined : PRICES.find(([prefix]) => model.startsWith(prefix))?.[1]
}
