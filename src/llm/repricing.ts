import type { Prices } from './prices.ts'
import type { ModelName } from './types.ts'

/** What was asked of a model, in all. All tokens of the prompts are in `inputTokens`: those from and for a cache are among them. */
export interface Asked {
  readonly provider: string
  readonly model: string
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly usd: number
}

/** What a workload would have cost with one model alone. */
export interface Repriced {
  readonly model: ModelName
  readonly usd: number
}

/**
 * A re-pricing: the tokens that were counted, at the list price of each model, the dearest first. It is no forecast: another model
 * would have taken other turns and counted other tokens, and long prompts are charged as short ones.
 */
export function repriced(asked: readonly Asked[], models: readonly ModelName[], prices: Prices): readonly Repriced[] {
  const sum = (pick: (one: Asked) => number) => asked.reduce((all, one) => all + pick(one), 0)
  const [cacheReadTokens, cacheWriteTokens] = [sum((one) => one.cacheReadTokens), sum((one) => one.cacheWriteTokens)]
  const inputTokens = sum((one) => one.inputTokens) - cacheReadTokens - cacheWriteTokens
  const outputTokens = sum((one) => one.outputTokens)
  const known = new Map<string, Repriced>()
  for (const model of models) {
    const price = prices.of(model)
    if (!price) continue
    const { input, output, cacheRead, cacheWrite } = price
    const parts = [
      inputTokens * input,
      outputTokens * output,
      cacheReadTokens * cacheRead,
      cacheWriteTokens * cacheWrite,
    ]
    known.set(`${model.provider}:${model.model}`, { model, usd: parts.reduce((all, one) => all + one, 0) / 1e6 })
  }
  return [...known.values()].toSorted((a, b) => b.usd - a.usd)
}
