import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cache } from '../src/cache.js'

test('what was used longest ago goes first', () => {
  const cache = new Cache(2)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  assert.equal(cache.get('b'), undefined)
  assert.equal(cache.get('a'), 1)
})

test('a second value takes the place of the first', () => {
  const cache = new Cache(2)
  cache.set('a', 1)
  cache.set('a', 2)
  assert.equal(cache.get('a'), 2)
  assert.equal(cache.size, 1)
})
