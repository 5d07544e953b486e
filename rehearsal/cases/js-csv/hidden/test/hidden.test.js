import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, parse } from '../src/csv.js'

test('line breaks of every kind come back from quoted fields', () => {
  for (const br of ['\n', '\r\n', '\r']) {
    const rows = [['Ann', `1 Main St${br}Springfield`], ['Bob', 'x']]
    assert.deepEqual(parse(format(rows)), rows)
  }
})

test('what follows a quoted field with a line break is read as before', () => {
  assert.deepEqual(parse('"a\n""b""",c\nd,e\n'), [['a\n"b"', 'c'], ['d', 'e']])
  assert.deepEqual(parse('a,b\n\nc'), [['a', 'b'], [''], ['c']])
})
