import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayRead, mayShare } from '../src/access.ts'

const ann = { id: 1, isAdmin: false }
const ben = { id: 2, isAdmin: false }
const doc = { owner: 1, isLocked: false }

test('the owner may', () => assert.ok(mayRead(ann, doc) && mayShare(ann, doc)))
test('others may not read', () => assert.equal(mayRead(ben, doc), false))
test('nobody shares what is locked', () => assert.equal(mayShare(ann, { ...doc, isLocked: true }), false))
