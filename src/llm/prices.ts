import type { EnvProblem } from '../core/environment.ts'
import type { Price } from './module.ts'
import { PROVIDERS } from './registry.ts'
import { ModelError, type ModelName, type Usage } from './types.ts'

/** Prices that people set, by `provider:` and the beginning of a model's name. */
export type PriceList = ReadonlyMap<string, Price>

/** What models cost. */
export interface Prices {
  /** Undefined where nobody has said it. */
  of(model: ModelName): Price | undefined
  /**
   * What calls of a model cost, for whoever is about to make one: what has no price is not asked.
   * @returns the cost of one in dollars, at list price; the model that answered may be called otherwise, and costs the same where it is not known
   * @throws ModelError `key` where it has no price
   */
  asking(asked: ModelName): (answered: string, usage: Usage) => number
}

/** The providers' own prices, and before them those that people set. */
export function pricesWith(own: PriceList): Prices {
  const of = ({ provider, model }: ModelName) => set(own, provider, model) ?? PROVIDERS.get(provider)?.priceOf(model)
  return {
    of,
    asking(asked) {
      const price = of(asked)
      if (price) return (answered, usage) => sumOf(of({ provider: asked.provider, model: answered }) ?? price, usage)
      throw new ModelError('key', `nobody knows what ${asked.provider}:${asked.model} costs`, {
        hint: `The operator should set \`MUSTER_PRICES="${asked.provider}:${asked.model}=<dollars per million tokens in>/<out>"\`, then \`retry\`.`,
      })
    },
  }
}

/** The longest beginning that fits counts. */
function set(own: PriceList, provider: string, model: string): Price | undefined {
  const name = `${provider}:${model}`
  const [found] = [...own].filter(([key]) => name.startsWith(key)).toSorted(([a], [b]) => b.length - a.length)
  return found?.[1]
}

function sumOf({ input, output, cacheRead, cacheWrite, long }: Price, usage: Usage): number {
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

const EXAMPLE = 'openai:my-model=2.50/10,local:qwen=0/0'

/** Reads `MUSTER_PRICES`: `provider:model=in/out[/cached[/written]]`, dollars per million tokens, with commas between. */
export function readPrices(text: string | undefined, problems: EnvProblem[]): PriceList {
  const list = new Map<string, Price>()
  for (const part of (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)) {
    const [, name = '', sums = ''] = /^([\w/-]+:[^=]+)=([\d./]+)$/.exec(part) ?? []
    const numbers = sums.split('/').map(Number)
    const [input = Number.NaN, output = Number.NaN, cacheRead = input, cacheWrite = input] = numbers
    if (name === '' || numbers.length > 4 || ![input, output, cacheRead, cacheWrite].every((sum) => sum >= 0))
      problems.push({
        variable: 'MUSTER_PRICES',
        wrong: `"${part}" is not provider:model=in/out (dollars per million tokens)`,
        example: EXAMPLE,
      })
    else list.set(name, { input, output, cacheRead, cacheWrite })
  }
  return list
}

/** Models that were chosen and that nobody knows the price of: no budget could be kept. */
export function unpriced(models: readonly ModelName[], prices: Prices): ModelName[] {
  return models.filter((model) => PROVIDERS.get(model.provider) !== undefined && prices.of(model) === undefined)
}
