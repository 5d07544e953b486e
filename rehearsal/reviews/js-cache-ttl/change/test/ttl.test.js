import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cache } from '../src/cache.js'

test('an entry is over after its time', () => {
  let now = 0
  const cache = new Cache(2, () => now)
  cache.set('a', 1, 100)
  now = 99
  assert.equal(cache.get('a'), 1)
  now = 100
  assert.equal(cache.get('a'), undefined)
  assert.equal(cache.size, 0)
})

test('without a time to live it stays', () => {
  let now = 0
  const cache = new Cache(2, () => now)
  cache.set('a', 1)
  now = 1e12
  assert.equal(cache.get('a'), 1)
})
