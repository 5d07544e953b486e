import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { METHODS, tell } from './api.ts'
import { type Answer, Post, read, Refused } from './method.ts'
import { pageRoutes } from './page.ts'
import { SlackPeople } from './people.ts'
import type { SlackWorld } from './world.ts'

export interface RehearsalSlack {
  readonly world: SlackWorld
  readonly people: SlackPeople
  readonly url: string
  /** What happens to a call instead of its answer, for faults. */
  fault: (method: string) => 'reset' | '502' | 'limit' | `refused ${string}` | undefined
  close(): Promise<void>
}

/** Starts the rehearsal's Slack on this machine: its Web API with its sizes and limits, and a page to look at. */
export async function startSlack(world: SlackWorld, port = 0): Promise<RehearsalSlack> {
  const app = Fastify({ logger: false, bodyLimit: 10_000_000 })
  const slack: { fault: RehearsalSlack['fault'] } = { fault: () => undefined }
  const posts = new Map<string, number[]>()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.post('/api/:method', async (request, reply) => {
    const { method } = request.params as { method: string }
    const args = argumentsIn(
      request.headers['content-type'] ?? '',
      typeof request.body === 'string' ? request.body : '',
    )
    const fault = slack.fault(method)
    if (fault === 'limit' || tooSoon(posts, method, args['channel']))
      return reply.code(429).header('retry-after', '1').send({ ok: false, error: 'ratelimited' })
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    if (method === 'oauth.v2.access') {
      const granted = world.consent.grant(args)
      return granted
        ? { ok: true, ...granted, token_type: 'bot', team: world.team }
        : { ok: false, error: 'invalid_code' }
    }
    if (method === 'auth.revoke') return { ok: true, revoked: world.consent.tokens.delete(token) }
    if (fault?.startsWith('refused ')) return reply.send({ ok: false, error: fault.slice('refused '.length) })
    const answer =
      token === world.botToken || world.consent.tokens.has(token)
        ? answerOf(world, method, args)
        : { ok: false, error: token ? 'invalid_auth' : 'not_authed' }
    world.calls.push({ method, args, error: answer.ok ? undefined : String(answer['error']) })
    if (fault === 'reset') return void request.raw.socket.destroy()
    if (fault === '502') return reply.code(502).send('')
    return reply.send(answer)
  })
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
  app.post('/upload/:id', async (request, reply) => {
    const { id } = request.params as { id: string }
    const file = world.files.get(id)
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const length = Number(new URL(request.url, 'http://localhost').searchParams.get('length'))
    if (!file || body.length !== length) return reply.code(400).send('bad upload')
    file.bytes = body
    return 'OK'
  })
  app.post('/commands/:id', async (request, reply) => {
    const { id } = request.params as { id: string }
    const args = argumentsIn('application/json', typeof request.body === 'string' ? request.body : '')
    const answer = respond(world, id, args)
    world.calls.push({ method: 'response_url', args, error: answer })
    return answer === undefined ? 'ok' : reply.code(404).send(answer)
  })
  world.consent.page(app, '/oauth/v2/authorize')
  pageRoutes(app, world)
  await app.listen({ port, host: '127.0.0.1' })
  world.url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return Object.assign(slack, { world, people: new SlackPeople(world), url: world.url, close: () => app.close() })
}

function answerOf(world: SlackWorld, method: string, args: Readonly<Record<string, unknown>>): Answer {
  const handler = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
  if (!handler) return { ok: false, error: 'unknown_method' }
  try {
    return handler(world, args)
  } catch (error) {
    if (error instanceof Refused) return { ok: false, error: error.message }
    throw error
  }
}

/** An answer to a command, at the address that came with it. @returns what is wrong with it, as Slack says it */
function respond(world: SlackWorld, id: string, args: Readonly<Record<string, unknown>>): string | undefined {
  const responder = world.responders.get(id)
  if (!responder || responder.left === 0) return 'used_url'
  try {
    const { text = '', blocks = [] } = read(Post.omit({ channel: true }), args)
    tell(world, responder.channel, responder.user, text, blocks)
    responder.left--
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.message
    throw error
  }
}

/** About one message a second in a channel, a few more for a moment (limits.md). */
function tooSoon(posts: Map<string, number[]>, method: string, channel: unknown): boolean {
  if (method !== 'chat.postMessage' || typeof channel !== 'string') return false
  const now = Date.now()
  const recent = (posts.get(channel) ?? []).filter((at) => at > now - 10_000)
  if (recent.length >= 15) return true
  posts.set(channel, [...recent, now])
  return false
}

/** Slack's client sends forms, in which whatever is no text is JSON. */
function argumentsIn(type: string, body: string): Readonly<Record<string, unknown>> {
  if (type.startsWith('application/json')) return JSON.parse(body || '{}') as Record<string, unknown>
  return Object.fromEntries(
    [...new URLSearchParams(body)].map(([name, value]) => [
      name,
      /^[[{]/.test(value) && name !== 'text' ? (JSON.parse(value) as unknown) : value,
    ]),
  )
}
