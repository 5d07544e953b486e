import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A way to a service on which some requests are never answered. */
export interface Hole {
  readonly url: string
  /** How many went in and got no answer. */
  swallowed(): number
  close(): Promise<void>
}

/** @param isLost which requests fall into it */
export async function openHole(to: string, isLost: (request: IncomingMessage) => boolean): Promise<Hole> {
  let swallowed = 0
  const server = createServer((request, response) => {
    if (isLost(request)) return void swallowed++
    void (async () => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(Buffer.from(part as Uint8Array))
      const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
      const hasBody = parts.length > 0
      const answer = await fetch(`${to}${request.url ?? '/'}`, {
        method: request.method ?? 'GET',
        headers: headers as Record<string, string>,
        redirect: 'manual',
        ...(hasBody ? { body: Buffer.concat(parts) } : {}),
      })
      const { 'content-encoding': ____, 'transfer-encoding': _____, ...kept } = Object.fromEntries(answer.headers)
      response.writeHead(answer.status, kept).end(Buffer.from(await answer.arrayBuffer()))
    })().catch(() => response.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallowed: () => swallowed,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
