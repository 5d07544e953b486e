import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../src/limit.ts'

test('allows as many as it may, then none', () => {
  const limit = slidingWindow(2, 1000)
  assert.deepEqual([limit.take(0), limit.take(10), limit.take(20)], [true, true, false])
})

test('allows again when the window has passed, and says how long that takes', () => {
  const limit = slidingWindow(1, 1000)
  limit.take(0)
  assert.equal(limit.waitMs(400), 600)
  assert.equal(limit.take(1001), true)
})
