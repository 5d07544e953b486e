import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../src/limit.ts'

test('no window ever holds more than it may, for long and for every size', () => {
  for (const most of [1, 2, 3, 5]) {
    const limit = slidingWindow(most, 1000)
    const allowed: number[] = []
    for (let now = 0; now <= 9000; now += 70) if (limit.take(now)) allowed.push(now)
    for (const from of allowed) {
      const inside = allowed.filter((at) => at >= from && at < from + 1000)
      assert.ok(inside.length <= most, `${inside.length} of ${most} from ${from}`)
    }
    assert.ok(allowed.length >= most * 8, `${allowed.length} for ${most}`)
  }
})

test('waits exactly as long as it says', () => {
  const limit = slidingWindow(2, 1000)
  limit.take(0)
  limit.take(300)
  const wait = limit.waitMs(500)
  assert.equal(wait, 500)
  assert.equal(limit.take(500 + wait - 1), false)
  assert.equal(limit.take(500 + wait), true)
  assert.equal(limit.waitMs(1100), 200)
})
