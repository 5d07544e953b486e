import type { Price } from '../module.ts'

const price = (input: number, output: number, cacheRead = input / 10, long?: Price['long']): Price => ({
  input,
  output,
  cacheRead,
  cacheWrite: input * 1.25,
  ...(long ? { long } : {}),
})

/** By the beginning of the model's name; the first that fits counts. Source: Anthropic's published model pages, November 2026. */
const PRICES: readonly (readonly [prefix: string, price: Price])[] = [
  ['claude-fable-5', price(10, 50)],
  ['claude-opus-5-5', price(4, 20, 0.2)],
  ['claude-opus-5', price(5, 25)],
  ['claude-opus-4-1', price(15, 75)],
  ['claude-opus-4-2025', price(15, 75)],
  ['claude-opus-4', price(5, 25)],
  ['claude-sonnet-5', price(2, 10)],
  ['claude-sonnet', price(3, 15)],
  ['claude-haiku-5', price(0.1, 0.5, 0.01, { tokens: 100_000, times: 5 })],
  ['claude-haiku', price(1, 5)],
]

export function priceOf(model: string): Price | undefined {
  return PRICES.find(([prefix]) => model.startsWith(prefix))?.[1]
}
