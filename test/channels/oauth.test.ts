import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { askWith, TokenAnswer, tokensFor } from '../../src/channels/oauth.ts'
import { SendError } from '../../src/channels/types.ts'

let answer: (write: (text: string) => boolean, end: (text?: string) => void) => void = () => {}
let closed = 0
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.on('close', () => closed++)
  answer(
    (text) => response.write(text),
    (text) => response.end(text),
  )
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
})
afterAll(() => server.close())

const ask = () =>
  tokensFor(
    { url, clientId: 'a', clientSecret: 'b', takes: 'form' },
    { type: 'refresh_token', refreshToken: 'r' },
    TokenAnswer,
  )

it('reads the tokens of an answer, and in a refusal whether it says something about the token', async () => {
  answer = (_write, end) => end('{"access_token":"t","token_type":"bearer"}')
  expect(await ask()).toMatchObject({ access_token: 't' })
  answer = (_write, end) => end('{"error":"invalid_grant"}')
  await expect(ask()).rejects.toMatchObject({ kind: 'fatal' })
  answer = (_write, end) => end('{"error":"ratelimited"}')
  await expect(ask()).rejects.toMatchObject({ kind: 'unknown' })
})

it('reads no answer without end, and does not take it for a refusal', async () => {
  const endless: typeof answer = (write) => {
    const timer = setInterval(() => {
      for (let n = 0; n < 64; n++) write('x'.repeat(65_536))
      if (closed > 0) clearInterval(timer)
    }, 1)
  }
  answer = endless
  closed = 0
  const failure = await ask().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(SendError)
  expect(failure).toMatchObject({ kind: 'unknown' })
  await expect.poll(() => closed).toBe(1)
  closed = 0
  await expect(askWith('t', url, TokenAnswer)).rejects.toThrow('more than')
  await expect.poll(() => closed).toBe(1)
})
