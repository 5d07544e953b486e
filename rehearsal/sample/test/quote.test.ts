import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCatalogue } from '../src/catalogue.ts'
import { quote } from '../src/quote.ts'

const catalogue = loadCatalogue(new URL('../data/prices.csv', import.meta.url))
const tiersOf = (sku: string) => catalogue.get(sku) ?? []

test('a single piece costs the base price', () => {
  assert.deepEqual(quote(tiersOf('bolt-m8'), 1), { unit: 45, total: 45 })
})

test('a larger quantity gets the better price', () => {
  assert.deepEqual(quote(tiersOf('bolt-m8'), 7), { unit: 38, total: 266 })
  assert.deepEqual(quote(tiersOf('bolt-m8'), 60), { unit: 25, total: 1500 })
})

test('long ropes go by lorry: more metres can cost more each', () => {
  assert.deepEqual(quote(tiersOf('rope-12'), 30), { unit: 140, total: 4200 })
  assert.deepEqual(quote(tiersOf('rope-12'), 80), { unit: 165, total: 13200 })
})
