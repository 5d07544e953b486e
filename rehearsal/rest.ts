import { createHmac } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'

/** What the rehearsals of ticket systems have in common: routes over a world, and signed webhooks that are tried again. */

export interface RestCall<World> {
  readonly world: World
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: unknown
}

export interface RestAnswer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface RestRoute<World> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As in the vendor's description, with `{name}` for what differs. */
  readonly path: string
  readonly handle: (call: RestCall<World>) => RestAnswer
}

/** One call and its answer, for whoever checks them. */
export interface RestExchange {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly requestBody: unknown
  readonly status: number
  readonly responseBody: unknown
}

/** Answers in place of the handler. */
export class RestRefusal extends Error {
  readonly answer: RestAnswer
  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`${status}`)
    this.answer = { status, body, headers }
  }
}

/** What happens to a call instead of its answer, for faults. */
export type RestFault = 'reset' | '502' | 'limit' | '401' | undefined

export interface RestOptions<World> {
  readonly world: World
  readonly prefix: string
  /** The same under other addresses. */
  readonly alsoAt?: readonly string[]
  readonly routes: readonly RestRoute<World>[]
  /** @throws RestRefusal */
  readonly authorize: (authorization: string | undefined) => void
  /** What is answered where a limit is reached. */
  readonly limited: () => RestRefusal
  readonly fault: (method: string, path: string) => RestFault
  readonly onExchange: ((exchange: RestExchange) => void) | undefined
  readonly pages: (app: FastifyInstance) => void
  /** Where it listens; undefined: where nobody does. */
  readonly port?: number | undefined
}

/** @returns where it listens, and what ends it */
export async function serveRest<World>(
  options: RestOptions<World>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const app = Fastify({ logger: false, bodyLimit: 10_000_000 })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body === '' ? undefined : JSON.parse(String(body))),
  )
  for (const prefix of [options.prefix, ...(options.alsoAt ?? [])])
    for (const route of options.routes) addRoute(app, { ...options, prefix }, route)
  options.pages(app)
  await app.listen({ port: options.port ?? 0, host: '127.0.0.1' })
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close: () => app.close() }
}

function addRoute<World>(app: FastifyInstance, options: RestOptions<World>, route: RestRoute<World>): void {
  app.route({
    method: route.method,
    url: options.prefix + route.path.replace(/\{(\w+)\}/g, ':$1'),
    handler(request, reply) {
      const query = new URL(request.url, 'http://localhost').searchParams
      const fault = options.fault(route.method, route.path)
      const answer = answerOf(() => {
        if (fault === 'limit') throw options.limited()
        options.authorize(fault === '401' ? undefined : request.headers.authorization)
        return route.handle({
          world: options.world,
          params: request.params as Record<string, string>,
          query,
          body: request.body,
        })
      })
      options.onExchange?.({
        method: route.method,
        path: route.path,
        query: Object.fromEntries(query),
        requestBody: request.body,
        status: answer.status,
        responseBody: answer.body,
      })
      // What was asked for is done; only the answer is lost.
      if (fault === 'reset') return void request.raw.socket.destroy()
      if (fault === '502') return reply.code(502).send('')
      return reply
        .code(answer.status)
        .headers({ ...answer.headers })
        .send(answer.body)
    },
  })
}

function answerOf(action: () => RestAnswer): RestAnswer {
  try {
    return action()
  } catch (error) {
    if (error instanceof RestRefusal) return error.answer
    throw error
  }
}

/** How long the vendors wait for an answer, and when they try again, the pauses shortened. */
const ACK_MS = 7000
const AGAIN_MS = [0, 500, 2000, 5000] as const

/** Delivers a webhook, signed, until it is accepted or given up. @returns whether it was accepted */
export async function deliverHook(
  url: string,
  body: string,
  headers: (signature: string, attempt: number) => Readonly<Record<string, string>>,
  secret: string,
): Promise<boolean> {
  if (url === '') return false
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  for (const [attempt, pause] of AGAIN_MS.entries()) {
    if (pause > 0) await new Promise((done) => setTimeout(done, pause))
    const ok = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers(signature, attempt) },
      signal: AbortSignal.timeout(ACK_MS),
    }).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ok) return true
  }
  return false
}
