import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Octokit } from '@octokit/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askedToWait } from '../../src/channels/github/limits.ts'

/** GitHub's answers at its limits (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api), over HTTP. */

let answer: (response: ServerResponse) => void = () => {}
const server = createServer((_request, response) => answer(response))
beforeAll(() => new Promise<void>((done) => void server.listen(0, '127.0.0.1', done)))
afterAll(() => new Promise<void>((done) => void server.close(() => done())))

async function waitFor(status: number, message: string, headers: Record<string, string> = {}) {
  answer = (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ message }))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const error = await new Octokit({ baseUrl }).request('GET /meta').catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(Error)
  return askedToWait(error)
}

it('waits for as long as GitHub says, a minute where it does not, and not at all for a refusal', async () => {
  expect(await waitFor(429, 'slow down', { 'retry-after': '7' })).toBe(7000)
  // A secondary limit does not always call itself one.
  expect(await waitFor(403, 'You have triggered an abuse detection mechanism', { 'retry-after': '30' })).toBe(30_000)
  expect(await waitFor(403, 'Please wait', { 'retry-after': '30' })).toBe(30_000)
  expect(await waitFor(403, 'You have exceeded a secondary rate limit')).toBe(60_000)
  const inTwoMinutes = String(Math.floor(Date.now() / 1000) + 120)
  const primary = await waitFor(403, 'API rate limit exceeded', {
    'x-ratelimit-remaining': '0',
    'x-ratelimit-reset': inTwoMinutes,
  })
  expect(primary).toBeGreaterThan(110_000)
  expect(primary).toBeLessThanOrEqual(120_000)
  expect(await waitFor(403, 'Resource not accessible by integration')).toBeUndefined()
  expect(await waitFor(404, 'Not Found')).toBeUndefined()
  expect(await waitFor(502, '')).toBeUndefined()
})
