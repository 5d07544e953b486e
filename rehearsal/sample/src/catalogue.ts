import { readFileSync } from 'node:fs'

/** From this quantity on, one piece costs so many cents. */
export type Tier = { from: string; cents: number }

/** Reads the price list: the tiers of every article, smallest quantity first. */
export function loadCatalogue(file: string | URL): Map<string, Tier[]> {
  const catalogue = new Map<string, Tier[]>()
  const [, ...rows] = readFileSync(file, 'utf8').trim().split('\n')
  for (const row of rows) {
    const [sku = '', from = '1', cents = '0'] = row.split(',')
    const tiers = catalogue.get(sku) ?? []
    tiers.push({ from, cents: Number(cents) })
    catalogue.set(sku, tiers)
  }
  for (const tiers of catalogue.values()) tiers.sort((a, b) => (a.from < b.from ? -1 : 1))
  return catalogue
}
