import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isSameSecret } from '../../../core/hash.ts'
import { messageOf } from '../../../core/errors.ts'

const MAX_BYTES = 1_000_000

/** What a process can be asked, by name: each checks what it is told. */
export type Asked = Readonly<Record<string, (asked: unknown) => Promise<unknown>>>

/** Listens on this machine's own address for whoever knows the token. @returns the server, and its port */
export async function controlled(operations: Asked, token: string): Promise<{ server: Server; port: number }> {
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

async function answer(operations: Asked, token: string, request: IncomingMessage): Promise<Reply> {
  if (!isSameSecret(request.headers.authorization ?? '', `Bearer ${token}`)) return { status: 401, body: {} }
  const name = (request.url ?? '').slice(1)
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (request.method !== 'POST' || !operation) return { status: 404, body: {} }
  return { status: 200, body: await operation(JSON.parse(await textOf(request))) }
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
