import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCsv } from '../src/csv.ts'

test('a table', () => assert.equal(toCsv({ head: ['a', 'b'], rows: [[1, 'x'], [null, 'y']] }), 'a,b\r\n1,x\r\n,y\r\n'))
test('quotes', () => assert.equal(toCsv({ head: ['a"b', 'c,d', 'e\nf'], rows: [] }), '"a""b","c,d","e\nf"\r\n'))
test('formulas', () => assert.equal(toCsv({ head: ['=1+1', '-2', '@x'], rows: [[-2]] }), "'=1+1,'-2,'@x\r\n-2\r\n"))
test('a formula with a comma', () => assert.equal(toCsv({ head: ['=A1,B1'], rows: [] }), '"\'=A1,B1"\r\n'))
