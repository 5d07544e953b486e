import type { FastifyInstance } from 'fastify'
import type { Arrival } from '../core/inbound.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { problem } from './problem.ts'
import type { HttpDeps } from './types.ts'

/** The most that GitHub ever sends (limits.md). */
const MAX_WEBHOOK_BYTES = 25 * 1024 * 1024

/** Verify, store, commit, answer: nothing else stands on a webhook's path. */
export function webhookRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_WEBHOOK_BYTES }, (_request, body, done) =>
    done(null, body),
  )
  app.post('/api/github/webhooks', { bodyLimit: MAX_WEBHOOK_BYTES, schema: { hide: true } }, async (request, reply) => {
    const verify = deps.verifier()
    if (!verify) return problem(reply, 503, 'not_set_up', 'No GitHub App is set up here yet.')
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const received = verify(request.headers, body)
    if (!received.ok) {
      // Never the payload: it may hold anything.
      deps.log('warn', 'a webhook was turned away', {
        status: received.status,
        bytes: body.length,
        delivery: String(request.headers['x-github-delivery'] ?? '').slice(0, 100),
      })
      return problem(reply, received.status, received.status === 401 ? 'bad_signature' : 'bad_headers', received.detail)
    }
    crashPoint('signature-ok')
    const { id, duplicate } = await store(deps, received.arrival)
    crashPoint('inbox-commit')
    reply.raw.once('finish', () => crashPoint('response-sent'))
    if (duplicate) return reply.code(202).send({ id, decision: { outcome: 'duplicate', reason: 'delivery_seen' } })
    // The answer does not wait for the queue, and the sweeper finds what the queue lost.
    void handOn(deps, id, received.arrival)
    return reply.code(202).send({ id })
  })
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
