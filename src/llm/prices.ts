import type { Usage } from './types.ts'

/** Dollars per million tokens. Source: Anthropic's published model pages, November 2026. */
interface Price {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  /** Prompts longer than `tokens` cost so many times as much. */
  readonly long?: { readonly tokens: number; readonly times: number }
}

const price = (input: number, output: number, cacheRead = input / 10, long?: Price['long']): Price => ({
  input,
  output,
  cacheRead,
  cacheWrite: input * 1.25,
  ...(long ? { long } : {}),
})

/** By the beginning of the model's name; the first that fits counts. */
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

/** An unknown model is charged as the dearest known one, so that a budget is never overrun by a missing line. */
const DEAREST = price(15, 75)

function priceOf(model: string): Price | undefined {
  return PRICES.find(([prefix]) => model.startsWith(prefix))?.[1]
}

/** Whether a model has a price of its own here. */
export function isPriced(model: string): boolean {
  return priceOf(model) !== undefined
}

/** What a call cost in dollars, at list price. */
export function costOf(model: string, usage: Usage): number {
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
