import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of smee.io's kind: channels that hand on what is posted to them, as server-sent events. */
export interface Smee {
  readonly url: string
  /** How many listen on a channel. */
  listeners(channel: string): number
  /** Posts to a channel as GitHub would. */
  post(channel: string, headers: Readonly<Record<string, string>>, body: string): void
  /** Hands on something as it stands. */
  raw(channel: string, data: string): void
  /** So many of the next connections are answered with 503. */
  refuse(count: number): void
  /** All connections are lost. */
  drop(): void
  close(): Promise<void>
}

export async function startSmee(): Promise<Smee> {
  const open = new Map<string, Set<ServerResponse>>()
  let made = 0
  let refused = 0
  const server = createServer((request, response) => {
    const { method, url: path = '/' } = request
    if (path === '/new') return void response.writeHead(307, { location: `${url}/channel-${++made}` }).end()
    if (method !== 'GET') return void response.writeHead(404).end()
    if (refused > 0) {
      refused--
      return void response.writeHead(503).end()
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('event: ready\ndata: {}\n\n')
    const all = open.get(path) ?? new Set()
    open.set(path, all.add(response))
    response.once('close', () => all.delete(response))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const raw = (channel: string, data: string) => {
    for (const response of open.get(new URL(channel).pathname) ?? []) response.write(`id: 1\ndata: ${data}\n\n`)
  }
  return {
    url,
    listeners: (channel) => open.get(new URL(channel).pathname)?.size ?? 0,
    post: (channel, headers, body) => {
      const parsed: unknown = JSON.parse(body)
      raw(channel, JSON.stringify({ ...headers, host: 'smee.io', body: parsed, query: {}, timestamp: Date.now() }))
    },
    raw,
    refuse: (count) => void (refused = count),
    drop: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
