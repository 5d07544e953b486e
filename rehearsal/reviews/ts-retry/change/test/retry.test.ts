import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpError } from '../src/errors.ts'
import { isPassing, withRetries } from '../src/retry.ts'

function failing(times: number, error: Error) {
  let calls = 0
  return async () => {
    calls += 1
    if (calls <= times) throw error
    return calls
  }
}

function options(slept: number[]) {
  const sleep = async (ms: number) => void slept.push(ms)
  return { tries: 4, first: 100, most: 300, passes: isPassing, sleep, random: () => 0.5 }
}

test('it is tried again until it succeeds', async () => {
  const slept: number[] = []
  assert.equal(await withRetries(failing(3, new HttpError(503)), options(slept)), 4)
  assert.deepEqual(slept, [75, 150, 225])
})

test('the last error is thrown', async () => {
  const slept: number[] = []
  await assert.rejects(withRetries(failing(9, new HttpError(429)), options(slept)), /HTTP 429/)
  assert.equal(slept.length, 3)
})

test('what will not pass is thrown at once', async () => {
  const slept: number[] = []
  await assert.rejects(withRetries(failing(9, new HttpError(404)), options(slept)), /HTTP 404/)
  assert.deepEqual(slept, [])
})
