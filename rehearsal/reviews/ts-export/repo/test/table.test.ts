import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Table } from '../src/table.ts'

const table: Table = { head: ['a'], rows: [[1]] }

test('a table has rows', () => assert.equal(table.rows.length, 1))
