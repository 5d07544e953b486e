import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayShare } from '../src/access.ts'

const doc = { owner: 1, team: 'blue', isLocked: false }

test('whoever is in the team may share', () => assert.ok(mayShare({ id: 2, isAdmin: false, team: 'blue' }, doc)))
test('another team may not', () => assert.equal(mayShare({ id: 2, isAdmin: false, team: 'red' }, doc), false))
test('somebody without a team may not', () => assert.equal(mayShare({ id: 2, isAdmin: false }, doc), false))
test('not even the team shares what is locked', () =>
  assert.equal(mayShare({ id: 2, isAdmin: false, team: 'blue' }, { ...doc, isLocked: true }), false))
