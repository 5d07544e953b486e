import assert from 'node:assert/strict'
import { test } from 'node:test'
import { split } from '../src/split.js'

test('even', () => assert.deepEqual(split(900, 3), [300, 300, 300]))
test('cents are left', () => assert.deepEqual(split(1000, 3), [334, 333, 333]))
