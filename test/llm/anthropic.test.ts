import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { anthropicProvider } from '../../src/llm/anthropic/client.ts'
import type { ModelRequest } from '../../src/llm/types.ts'
import { goodModel, testModel } from '../support/model.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const request = (): ModelRequest => ({
  provider: 'anthropic',
  model: 'm',
  maxTokens: 100,
  system: 'You are PM',
  tools: [],
  messages: [{ role: 'user', text: 'x' }],
  signal: new AbortController().signal,
  origin: { taskId: 't', role: 'pm', step: 'spec', attempt: 1, turn: 1 },
})

it('waits for the first byte as long as it says, not as long as the HTTP client would', async () => {
  const model = await testModel(async (asked) => {
    await new Promise((done) => setTimeout(done, 700))
    return goodModel(asked)
  })
  closing.push(() => model.close())
  const ask = (timeoutMs: number) =>
    anthropicProvider({ apiKey: 'x', baseUrl: model.url, timeoutMs }).complete(request())
  // Undici counts in coarse ticks of about a second.
  await expect(ask(100)).rejects.toThrow()
  await expect(ask(60_000)).resolves.toMatchObject({ usage: expect.anything() })
})

it('goes through the proxy of the environment', async () => {
  const model = await testModel(goodModel)
  const through: string[] = []
  const proxy = createServer()
  proxy.on('connect', (incoming, client, head) => {
    through.push(incoming.url ?? '')
    const { port } = new URL(model.url)
    const upstream = connect(Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  await new Promise<void>((done) => void proxy.listen(0, '127.0.0.1', done))
  closing.push(
    () => model.close(),
    async () => {
      proxy.closeAllConnections()
      proxy.close()
    },
  )
  const before = { ...process.env }
  process.env['HTTP_PROXY'] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  try {
    const provider = anthropicProvider({ apiKey: 'x', baseUrl: 'http://model.invalid:8080' })
    await provider.complete(request())
    expect(through).toEqual(['model.invalid:8080'])
  } finally {
    process.env = before
  }
})
