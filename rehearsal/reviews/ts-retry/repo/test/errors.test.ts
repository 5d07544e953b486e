import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpError } from '../src/errors.ts'

test('an error says its status', () => assert.equal(new HttpError(503).message, 'HTTP 503'))
