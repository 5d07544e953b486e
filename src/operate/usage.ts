import { PROVIDERS } from '../llm/registry.ts'
import type { Prices } from '../llm/prices.ts'
import { repriced } from '../llm/repricing.ts'
import type { ModelName } from '../llm/types.ts'
import type { Store } from '../store/types.ts'
import type { UsageRow } from '../store/usage/types.ts'

/** What models were asked since a time, what came of it, and what it would have cost with one of them alone. @param models those that are set up */
export async function usageSince(
  { usage }: Pick<Store, 'usage'>,
  models: readonly ModelName[],
  prices: Prices,
  since: number,
) {
  const [turns, outcomes] = await Promise.all([usage.turns(since), usage.outcomes(since)])
  const all = repriced(turns, [...models, ...turns.flatMap(modelOf)], prices)
  return { turns, outcomes, repriced: all.map(({ model, usd }) => ({ ...model, usd })) }
}

/** A model that was asked, as far as its provider is one that there is. */
function modelOf({ provider, model }: UsageRow): ModelName[] {
  const found = PROVIDERS.names().find((name) => name === provider)
  return found === undefined ? [] : [{ provider: found, model }]
}
