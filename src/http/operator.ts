import type { FastifyReply } from 'fastify'
import { VerdictOut } from './history.ts'
import { z } from 'zod'
import type { DeadLetter } from '../store/types.ts'
import { problem } from './problem.ts'
import { type Api, errors, IdParam, notFound, page, PageQuery } from './shapes.ts'
import type { HttpDeps } from './types.ts'

/** What an operator asks for: proofs and exports of tasks, dead letters, the processes at work, a backup. */

const Letter = z.object({
  id: z.string(),
  kind: z.enum(['effect', 'event']),
  what: z.string(),
  error: z.string(),
  at: z.string(),
  task: z.string().nullable(),
  conversation: z.string().nullable(),
})
const ProcessOut = z.object({
  id: z.string(),
  kind: z.string(),
  version: z.string(),
  startedAt: z.string(),
  seenAt: z.string(),
  silentMs: z.number(),
})

export function operatorRoutes(app: Api, deps: HttpDeps): void {
  proofRoutes(app, deps)
  letterRoutes(app, deps)
  app.get(
    '/processes',
    {
      schema: {
        summary: 'The processes at work',
        response: { 200: z.object({ items: z.array(ProcessOut) }), ...errors },
      },
    },
    async () => ({
      items: (await deps.store.processes.list()).map(({ id, kind, version, startedAt, seenAt, silentMs }) => ({
        id,
        kind,
        version,
        startedAt: startedAt.toISOString(),
        seenAt: seenAt.toISOString(),
        silentMs: Math.round(silentMs),
      })),
    }),
  )
  app.get('/backup', { schema: { summary: 'The embedded database as one compressed file' } }, async (_request, reply) =>
    backup(deps, reply),
  )
}

/** A backup holds the installation's secrets: without a token nobody gets one over HTTP, this machine included. */
async function backup({ dump, apiTokens }: HttpDeps, reply: FastifyReply) {
  if (apiTokens.length === 0)
    return problem(reply, 401, 'no_token', 'A backup holds secrets; over the API it wants MUSTER_API_TOKEN to be set.')
  if (!dump) return problem(reply, 404, 'no_backup', 'This database is a server: use pg_dump (docs/operate.md).')
  const blob = await dump()
  reply.type('application/gzip').header('content-disposition', 'attachment; filename="muster-backup.tar.gz"')
  return reply.send(Buffer.from(await blob.arrayBuffer()))
}

function proofRoutes(app: Api, { store, verify }: HttpDeps): void {
  app.get(
    '/tasks/:id/verify',
    {
      schema: {
        summary: 'Replays the history of a task, and compares it with its state and its hash chain',
        params: IdParam,
        response: { 200: VerdictOut, ...errors },
      },
    },
    async (request, reply) => {
      const exported = await store.tasks.export(request.params.id)
      if (!exported) return notFound(reply)
      const { ok, problems, events, unchained } = verify(exported)
      return { ok, problems: [...problems], events, unchained }
    },
  )
  app.get(
    '/tasks/:id/export',
    { schema: { summary: 'Everything that is stored about a task', params: IdParam } },
    async (request, reply) => {
      const exported = await store.tasks.export(request.params.id)
      return exported
        ? reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(exported)
        : notFound(reply)
    },
  )
}

function letterRoutes(app: Api, { store, onArrival, wake }: HttpDeps): void {
  app.get(
    '/dead-letters',
    {
      schema: {
        summary: 'Work that could not be done, newest first',
        querystring: PageQuery,
        response: { 200: page(Letter), ...errors },
      },
    },
    async (request) => {
      const { items, next } = await store.deadLetters.list({ limit: request.query.limit, cursor: request.query.cursor })
      return { items: items.map(letterOut), next }
    },
  )
  app.get(
    '/dead-letters/:id',
    { schema: { summary: 'One of them, with everything that is stored of it', params: IdParam } },
    async (request, reply) => {
      const found = await store.deadLetters.get(request.params.id)
      if (!found) return noLetter(reply)
      return reply
        .type('application/json; charset=utf-8')
        .serializer(JSON.stringify)
        .send({ ...letterOut(found.letter), stored: found.stored })
    },
  )
  const done = z.object({ ok: z.literal(true) })
  app.post(
    '/dead-letters/:id/retry',
    { schema: { summary: 'Try it again', params: IdParam, response: { 202: done, ...errors } } },
    async (request, reply) => {
      const { id } = request.params
      if (await store.effects.reopen(id)) wake()
      else if (await store.inbox.reopen(id)) await onArrival(id, {})
      else return noLetter(reply)
      return reply.code(202).send({ ok: true })
    },
  )
  app.post(
    '/dead-letters/:id/drop',
    { schema: { summary: 'Give it up', params: IdParam, response: { 200: done, ...errors } } },
    async (request, reply) =>
      (await store.deadLetters.drop(request.params.id)) ? { ok: true as const } : noLetter(reply),
  )
}

function noLetter(reply: FastifyReply): FastifyReply {
  return problem(reply, 404, 'not_found', 'There is no such dead letter.')
}

function letterOut({ id, kind, what, error, at, task, conversation }: DeadLetter): z.infer<typeof Letter> {
  return {
    id,
    kind,
    what,
    error,
    at: at.toISOString(),
    task: task ?? null,
    conversation: conversation ?? null,
  }
}
