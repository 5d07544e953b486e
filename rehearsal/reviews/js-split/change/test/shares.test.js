import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitByShares } from '../src/split.js'

test('twice as much', () => assert.deepEqual(splitByShares(900, [2, 1]), [600, 300]))
test('nothing for somebody who had nothing', () => assert.deepEqual(splitByShares(1000, [1, 1, 0]), [500, 500, 0]))
test('nothing is lost', () => assert.deepEqual(splitByShares(1000, [1, 1, 1]), [334, 333, 333]))
test('somebody has to pay', () => assert.throws(() => splitByShares(100, [0, 0]), RangeError))
