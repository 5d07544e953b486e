import type { Tier } from './catalogue.ts'

/** What a quantity costs, in cents: the unit price of the last tier that the quantity reaches. */
export function quote(tiers: Tier[], quantity: number): { unit: number; total: number } {
  let unit = 0
  for (const tier of tiers) {
    if (quantity >= Number(tier.from)) unit = tier.cents
  }
  return { unit, total: unit * quantity }
}
