import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, parse } from '../src/csv.js'

test('rows and fields', () => {
  assert.deepEqual(parse('a,b\r\nc,d\n'), [['a', 'b'], ['c', 'd']])
})

test('quoted fields may hold separators and quotes', () => {
  assert.deepEqual(parse('"a,b","say ""hi"""'), [['a,b', 'say "hi"']])
})

test('what has to be quoted is', () => {
  assert.equal(format([['a,b', 'x'], ['say "hi"', '']]), '"a,b",x\r\n"say ""hi""",')
})
