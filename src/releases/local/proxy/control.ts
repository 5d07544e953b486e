import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isSameSecret } from '../../../core/hash.ts'
import { messageOf } from '../../../core/errors.ts'
import { isOperation, type Operation, type Operations, PROTOCOL } from './protocol.ts'

const MAX_BYTES = 1_000_000

/** Listens on this machine's own address for whoever knows the token. @returns the server, and its port */
export async function controlled(operations: Operations, token: string): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    answer(operations, token, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => send(response, 500, { error: messageOf(error) }),
    )
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address) resolve(address.port)
    })
  })
  return { server, port }
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

async function answer(operations: Operations, token: string, request: IncomingMessage): Promise<Reply> {
  if (!isSameSecret(request.headers.authorization ?? '', `Bearer ${token}`)) return { status: 401, body: {} }
  const name = (request.url ?? '').slice(1)
  if (request.method !== 'POST' || !isOperation(name)) return { status: 404, body: {} }
  return { status: 200, body: await checked(operations)[name](JSON.parse(await textOf(request))) }
}

/** Each with what is asked checked. */
function checked(operations: Operations): Readonly<Record<Operation, (asked: unknown) => Promise<unknown>>> {
  return {
    state: (asked) => operations.state(PROTOCOL.state.ask.parse(asked)),
    open: (asked) => operations.open(PROTOCOL.open.ask.parse(asked)),
    route: (asked) => operations.route(PROTOCOL.route.ask.parse(asked)),
    drain: (asked) => operations.drain(PROTOCOL.drain.ask.parse(asked)),
    take: (asked) => operations.take(PROTOCOL.take.ask.parse(asked)),
    handover: (asked) => operations.handover(PROTOCOL.handover.ask.parse(asked)),
    stop: (asked) => operations.stop(PROTOCOL.stop.ask.parse(asked)),
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue
    bytes += part.length
    if (bytes > MAX_BYTES) throw new Error('too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (!response.closed) response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
