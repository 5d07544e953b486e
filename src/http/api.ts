import { viewOf } from '../core/task/stored.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isSameSecret } from '../core/hash.ts'
import { hasOddText } from '../core/json.ts'
import type { InboundEvent } from '../core/inbound.ts'
import type { TaskSummary } from '../store/types.ts'
import { environmentRoutes } from './environments.ts'
import { HistoryOut, historyOut } from './history.ts'
import { problem } from './problem.ts'
import { installsRoutes } from './installs.ts'
import { peopleRoutes } from './people.ts'
import { operatorRoutes } from './operator.ts'
import { usageRoutes } from './usage.ts'
import { type Api, errors, IdParam, notFound, page, PageQuery } from './shapes.ts'
import { type HttpDeps, isLocal } from './types.ts'

const Decision = z
  .object({
    outcome: z.enum(['accepted', 'ignored', 'duplicate', 'refused', 'deferred']),
    reason: z.string(),
    detail: z.string(),
  })
  .meta({ id: 'Decision' })
const EventOut = z
  .object({
    id: z.string(),
    source: z.string(),
    deliveryId: z.string(),
    kind: z.string(),
    receivedAt: z.string(),
    conversation: z.string().nullable(),
    task: z.string().nullable(),
    decision: Decision.nullable(),
  })
  .meta({ id: 'Event' })
const TaskOut = z.object({
  id: z.string(),
  conversation: z.string(),
  status: z.enum(['working', 'waiting', 'done', 'cancelled', 'handed_off']),
  workflow: z.string(),
  title: z.string(),
  repository: z.string(),
  costUsd: z.number(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
})
const TaskItem = TaskOut.meta({ id: 'Task' })
const TaskDetail = TaskOut.extend({
  state: z
    .unknown()
    .describe(
      'The state as it is folded from the events. `gates` is what waits for people, `gate` the one of them that has waited longest.',
    ),
}).meta({ id: 'TaskDetail' })
/** What the API consists of, a line for each. */
const ROUTES: readonly ((app: Api, deps: HttpDeps) => void)[] = [
  eventRoutes,
  taskRoutes,
  operatorRoutes,
  peopleRoutes,
  installsRoutes,
  usageRoutes,
  environmentRoutes,
  releaseRoutes,
]

/** The REST API. With a token it wants the token; without one it answers to this machine only. */
export function apiRoutes(app: Api, deps: HttpDeps): void {
  app.addHook('onRequest', async (request, reply) => authorise(request, reply, deps.apiTokens))
  app.addHook('preValidation', async ({ params, query, body }, reply) =>
    hasOddText({ params, query, body })
      ? problem(reply, 400, 'bad_characters', 'There is a NUL or half of a character in this request.')
      : undefined,
  )
  for (const add of ROUTES) add(app, deps)
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(app.swagger()),
  )
}

async function authorise(
  request: FastifyRequest,
  reply: FastifyReply,
  tokens: readonly string[],
): Promise<FastifyReply | undefined> {
  if (tokens.length === 0) {
    return isLocal(request)
      ? undefined
      : problem(reply, 401, 'no_token', 'Without MUSTER_API_TOKEN the API answers on the loopback address only.')
  }
  return tokens.some((token) => isSameSecret(request.headers.authorization ?? '', `Bearer ${token}`))
    ? undefined
    : problem(reply, 401, 'bad_token', 'Send Authorization: Bearer with the API token.')
}

function releaseRoutes(app: Api, { releaseLog }: HttpDeps): void {
  app.get(
    '/releases/:id/log',
    { schema: { summary: 'The last lines of a release', params: IdParam } },
    async (request, reply) => {
      reply.type('text/plain; charset=utf-8')
      return reply.send(await releaseLog(request.params.id))
    },
  )
}

function eventRoutes(app: Api, { store }: HttpDeps): void {
  const schema = {
    summary: 'Inbound events with their decisions, newest first',
    querystring: PageQuery.extend({
      source: z.string().max(40).optional(),
      deliveryId: z.string().max(200).optional(),
      conversation: z.string().max(200).optional(),
    }),
    response: { 200: page(EventOut), ...errors },
  }
  app.get('/events', { schema }, async (request) => {
    const { source, deliveryId, conversation, limit, cursor } = request.query
    const { items, next } = await store.inbox.list({ source, deliveryId, conversation }, { limit, cursor })
    return { items: items.map(eventOut), next }
  })
}

function eventOut(event: InboundEvent): z.infer<typeof EventOut> {
  const { id, source, deliveryId, kind, receivedAt, conversation, task, decision } = event
  return {
    id,
    source,
    deliveryId,
    kind,
    receivedAt: receivedAt.toISOString(),
    conversation: conversation ?? null,
    task: task ?? null,
    decision: decision ?? null,
  }
}

function taskRoutes(app: Api, { store, startTask }: HttpDeps): void {
  app.get(
    '/tasks',
    {
      schema: { summary: 'Tasks, newest first', querystring: PageQuery, response: { 200: page(TaskItem), ...errors } },
    },
    async (request) => {
      const { items, next } = await store.tasks.list({ limit: request.query.limit, cursor: request.query.cursor })
      return { items: items.map(taskOut), next }
    },
  )
  app.get(
    '/tasks/:id',
    { schema: { summary: 'One task with its whole state', params: IdParam, response: { 200: TaskDetail, ...errors } } },
    async (request, reply) => {
      const task = await store.tasks.get(request.params.id)
      if (!task) return notFound(reply)
      const { origin } = task
      const costUsd = task.steps.reduce((sum, step) => sum + step.costUsd, 0)
      const summary = {
        id: task.id,
        conversationId: task.conversationId,
        status: task.status,
        workflow: task.workflow,
        title: task.spec?.title ?? origin.title,
        repository: `${origin.repository.owner}/${origin.repository.name}`,
        costUsd,
        createdAt: new Date(task.openedAt),
        finishedAt: task.finishedAt === undefined ? undefined : new Date(task.finishedAt),
      }
      return { ...taskOut(summary), state: viewOf(task) }
    },
  )
  app.get(
    '/tasks/:id/events',
    {
      schema: {
        summary: 'The history of a task, oldest first',
        params: IdParam,
        querystring: PageQuery,
        response: { 200: page(HistoryOut), ...errors },
      },
    },
    async (request, reply) => {
      if (!(await store.tasks.get(request.params.id))) return notFound(reply)
      const { items, next } = await store.tasks.events(request.params.id, {
        limit: request.query.limit,
        cursor: request.query.cursor,
      })
      return { items: items.map(historyOut), next }
    },
  )
  startRoute(app, startTask)
}

function startRoute(app: Api, startTask: HttpDeps['startTask']): void {
  const StartBody = z.object({
    repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'owner/name'),
    issue: z.int().min(1),
    request: z.string().max(20_000).default(''),
  })
  app.post(
    '/tasks',
    {
      schema: {
        summary: 'Start the work on an issue',
        body: StartBody,
        response: { 202: z.object({ event: z.string() }), ...errors },
      },
    },
    async (request, reply) => {
      const { repository, issue, request: words } = request.body
      const [owner = '', name = ''] = repository.split('/')
      const started = await startTask(owner, name, issue, words)
      return started
        ? reply.code(202).send({ event: started.eventId })
        : problem(
            reply,
            404,
            'not_found',
            `Muster sees no issue ${issue} in ${repository}; is the app installed there?`,
          )
    },
  )
}

function taskOut(task: TaskSummary): z.infer<typeof TaskOut> {
  const { id, conversationId, status, workflow, title, repository, costUsd, createdAt, finishedAt } = task
  return {
    id,
    conversation: conversationId,
    status,
    workflow,
    title,
    repository,
    costUsd,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  }
}
