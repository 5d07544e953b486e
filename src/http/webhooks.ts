import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Arrival } from '../core/inbound.ts'
import { channelNames, channelTraits } from '../core/said.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { readBodies } from './bodies.ts'
import { problem } from './problem.ts'
import type { HttpDeps, WebhookSource } from './types.ts'

/** The most that GitHub ever sends (limits.md). */
const MAX_WEBHOOK_BYTES = 25 * 1024 * 1024
/** The others send far less; a description of a ticket has 32,767 characters. */
const MAX_OTHER_BYTES = 4 * 1024 * 1024

interface Door {
  readonly source: WebhookSource
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly accepted: 'told' | 'silent'
}

const GITHUB: Door = {
  source: 'github',
  name: 'GitHub',
  path: '/api/github/webhooks',
  bytes: MAX_WEBHOOK_BYTES,
  accepted: 'told',
}

function doorOf(source: WebhookSource): Door {
  if (source === 'github') return GITHUB
  const { title, door } = channelTraits(source)
  return { source, name: title, path: door.path, bytes: MAX_OTHER_BYTES, accepted: door.answers }
}

/** Where a service's events are received, under Muster's own address. */
export function hookPath(source: WebhookSource): string {
  return doorOf(source).path
}

/** Verify, store, commit, answer: nothing else stands on a webhook's path. */
export function webhookRoutes(app: FastifyInstance, deps: HttpDeps): void {
  readBodies(app)
  for (const door of [GITHUB, ...channelNames().map(doorOf)])
    app.post(
      door.path,
      {
        bodyLimit: door.bytes,
        schema: { hide: true },
        onRequest: async (request, reply) => knock(deps, door, request, reply),
      },
      (request, reply) => arrive(deps, door, request, reply),
    )
}

/** Whoever cannot have signed is turned away before anything of the body is taken. */
async function knock(
  deps: HttpDeps,
  { source, name }: Door,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const verify = deps.verifier(source)
  if (verify?.looksSigned(request.headers)) return undefined
  reply.header('connection', 'close')
  if (!verify && source === 'github') return problem(reply, 503, 'not_set_up', 'No GitHub App is set up here yet.')
  if (!verify) return problem(reply, 404, 'not_set_up', `${name} is not switched on here.`)
  deps.log('warn', 'a webhook without a signature was turned away', { source, peer: request.ip })
  return problem(reply, 401, 'bad_signature', 'The signature is missing, or too old to count.')
}

async function arrive(deps: HttpDeps, door: Door, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { source, accepted } = door
  const verify = deps.verifier(source)
  if (!verify) return problem(reply, 503, 'not_set_up', `${door.name} was switched off in this moment.`)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const received = await verify.receive(request.headers, body)
  if (!received.ok) {
    // Never the payload: it may hold anything.
    deps.log('warn', 'a webhook was turned away', {
      source,
      status: received.status,
      bytes: body.length,
      delivery: String(request.headers['x-github-delivery'] ?? '').slice(0, 100),
    })
    return problem(reply, received.status, received.status === 401 ? 'bad_signature' : 'bad_headers', received.detail)
  }
  if ('answer' in received) return reply.code(200).type(received.answer.type).send(received.answer.body)
  crashPoint('signature-ok')
  const { id, duplicate } = await store(deps, received.arrival)
  crashPoint('inbox-commit')
  reply.raw.once('finish', () => crashPoint('response-sent'))
  // The answer does not wait for the queue, and the sweeper finds what the queue lost.
  if (!duplicate) void handOn(deps, id, received.arrival)
  // Slack shows what is answered to a command or a button; an empty body shows nothing.
  if (accepted === 'silent') return reply.code(200).send()
  const decision = duplicate ? { decision: { outcome: 'duplicate', reason: 'delivery_seen' } } : {}
  return reply.code(202).send({ id, ...decision })
}

async function store(deps: HttpDeps, arrival: Parameters<HttpDeps['store']['inbox']['insert']>[0]) {
  try {
    return await deps.store.inbox.insert(arrival)
  } catch (error) {
    // GitHub shows the delivery as failed, and it can be redelivered.
    throw Object.assign(new Error('the inbox cannot be written', { cause: error }), { statusCode: 503 })
  }
}

async function handOn({ onArrival }: HttpDeps, id: string, { account, lane }: Arrival): Promise<void> {
  if (await onArrival(id, { account, lane })) crashPoint('enqueued')
}
