import { z } from 'zod'
import { RestRefusal, type RestCall, type RestRoute } from '../rest.ts'
import { adfProblem, plainOf } from './adf.ts'
import { shownChange, shownComment, shownStatus, shownTicket, shownUser } from './shapes.ts'
import { type JiraWorld, STATUSES, type Ticket } from './world.ts'

type Call = RestCall<JiraWorld>

const Property = z.object({ key: z.string().max(255), value: z.unknown() })
const Comment = z.object({ body: z.unknown(), properties: z.array(Property).optional() })
const Link = z.object({
  globalId: z.string().max(255).optional(),
  relationship: z.string().optional(),
  object: z.object({
    url: z.url(),
    title: z.string().min(1).max(255),
    status: z.object({ resolved: z.boolean().optional() }).optional(),
  }),
})
const NewTicket = z.object({
  fields: z.object({
    summary: z.string().min(1).max(255),
    parent: z.object({ id: z.string() }),
    issuetype: z.object({ id: z.literal('10003') }),
    project: z.object({ id: z.string() }),
  }),
})
/** An app's webhooks run out after 30 days (limits.md). */
const MONTH_MS = 30 * 24 * 3_600_000
/** Characters of a comment or a description (limits.md). */
const MAX_TEXT = 32_767

function refuse(status: number, ...messages: string[]): never {
  throw new RestRefusal(status, { errorMessages: messages, errors: {} })
}

function ticketOf({ world, params }: Call): Ticket {
  return (
    world.ticket(params['issueIdOrKey'] ?? '') ??
    refuse(404, 'Issue does not exist or you do not have permission to see it.')
  )
}

function read<T>(shape: z.ZodType<T>, { body }: Call): T {
  const parsed = shape.safeParse(body)
  return parsed.success ? parsed.data : refuse(400, parsed.error.issues[0]?.message ?? 'Invalid request payload.')
}

function document(body: unknown): unknown {
  const problem = adfProblem(body)
  if (problem) refuse(400, `INVALID_INPUT: ${problem}`)
  if (JSON.stringify(body).length > MAX_TEXT) refuse(400, 'CONTENT_LIMIT_EXCEEDED')
  return body
}

/** 20 writes in 2 s and 100 in 30 s on one ticket (limits.md). */
function spend(ticket: Ticket): void {
  const now = Date.now()
  const recent = (WRITES.get(ticket) ?? []).filter((at) => at > now - 30_000)
  if (recent.length >= 100 || recent.filter((at) => at > now - 2000).length >= 20)
    throw new RestRefusal(429, { errorMessages: ['Rate limit exceeded.'], errors: {} }, { 'retry-after': '2' })
  WRITES.set(ticket, [...recent, now])
}
const WRITES = new WeakMap<Ticket, number[]>()

const list = (value: string | null): string[] => (value ?? '').split(',').filter(Boolean)

/** Jira's REST API, as far as Muster uses it. */
export const JIRA_ROUTES: readonly RestRoute<JiraWorld>[] = [
  {
    method: 'GET',
    path: '/rest/api/3/myself',
    handle: ({ world }) => ({ status: 200, body: shownUser(world, world.bot) }),
  },
  {
    method: 'GET',
    path: '/rest/api/3/user',
    handle({ world, query }) {
      const user = world.users.find(({ accountId }) => accountId === query.get('accountId'))
      return { status: 200, body: user ? shownUser(world, user) : refuse(404, 'The user does not exist.') }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/issue/{issueIdOrKey}',
    handle(call) {
      const { world, query } = call
      const fields = query.getAll('fields').flatMap(list)
      return {
        status: 200,
        body: shownTicket(world, ticketOf(call), fields, query.getAll('expand').join().includes('changelog')),
      }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/issue/{issueIdOrKey}/changelog',
    handle(call) {
      const { world, query } = call
      const startAt = Number(query.get('startAt') ?? 0)
      // Jira gives less than is asked for when it likes.
      const maxResults = Math.min(50, Number(query.get('maxResults') ?? 100))
      const all = ticketOf(call).changes.map((one) => shownChange(world, one))
      const values = all.slice(startAt, startAt + maxResults)
      const isLast = startAt + values.length >= all.length
      return { status: 200, body: { startAt, maxResults, total: all.length, isLast, values } }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/project/{projectIdOrKey}',
    handle: ({ world }) => ({
      status: 200,
      body: {
        ...world.project,
        self: `${world.url}/rest/api/3/project/${world.project.id}`,
        issueTypes: [
          { id: '10001', name: 'Story', subtask: false },
          { id: '10003', name: 'Part', subtask: true },
        ],
      },
    }),
  },
  {
    method: 'POST',
    path: '/rest/api/3/issue',
    handle(call) {
      const { world } = call
      const { fields } = read(NewTicket, call)
      const parent = world.ticket(fields.parent.id) ?? refuse(400, 'Could not find valid parent issue.')
      const { id, key } = world.addTicket(fields.summary, world.bot, { parent, status: parent.status })
      world.onSeen('muster[bot]', 'made a sub-task of', parent.key, fields.summary)
      return { status: 201, body: { id, key, self: `${world.url}/rest/api/3/issue/${id}` } }
    },
  },
  {
    method: 'POST',
    path: '/rest/api/3/webhook',
    handle(call) {
      const { url, webhooks } = read(
        z.object({
          url: z.url(),
          webhooks: z.array(z.object({ events: z.array(z.string()).min(1), jqlFilter: z.string().min(1) })).min(1),
        }),
        call,
      )
      const made = webhooks.map(() => ({ id: Number(call.world.id()), url, expires: Date.now() + MONTH_MS }))
      call.world.dynamic.push(...made)
      return { status: 200, body: { webhookRegistrationResult: made.map(({ id }) => ({ createdWebhookId: id })) } }
    },
  },
  {
    method: 'PUT',
    path: '/rest/api/3/webhook/refresh',
    handle(call) {
      const { webhookIds } = read(z.object({ webhookIds: z.array(z.number()) }), call)
      for (const one of call.world.dynamic) if (webhookIds.includes(one.id)) one.expires = Date.now() + MONTH_MS
      return { status: 200, body: { expirationDate: Date.now() + MONTH_MS } }
    },
  },
  {
    method: 'POST',
    path: '/rest/api/3/search/jql',
    handle(call) {
      const {
        jql,
        fields = [],
        expand = '',
      } = read(
        z.object({
          jql: z.string(),
          fields: z.array(z.string()).optional(),
          expand: z.string().optional(),
          maxResults: z.number().optional(),
          nextPageToken: z.string().optional(),
        }),
        call,
      )
      const minutes = /^updated >= "-(\d+)m" ORDER BY updated ASC$/.exec(jql)?.[1]
      if (minutes === undefined) refuse(400, `Error in the JQL Query: ${jql}`)
      const from = Date.now() - Number(minutes) * 60_000
      const issues = call.world.tickets
        .filter(({ updated }) => updated.getTime() >= from)
        .map((one) => shownTicket(call.world, one, fields, expand.includes('changelog')))
      return { status: 200, body: { issues, isLast: true } }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/issue/{issueIdOrKey}/comment',
    handle(call) {
      const { world, query } = call
      const ticket = ticketOf(call)
      const [startAt, maxResults] = [Number(query.get('startAt') ?? 0), Number(query.get('maxResults') ?? 100)]
      const shown = ticket.comments.filter(({ created }) => created.getTime() <= Date.now() - world.hiddenMs)
      const all = query.get('orderBy') === '-created' ? shown.toReversed() : shown
      const comments = all
        .slice(startAt, startAt + maxResults)
        .map((one) => shownComment(world, ticket, one, query.getAll('expand').join().includes('properties')))
      return { status: 200, body: { comments, startAt, maxResults, total: ticket.comments.length } }
    },
  },
  {
    method: 'POST',
    path: '/rest/api/3/issue/{issueIdOrKey}/comment',
    handle(call) {
      const { world } = call
      const ticket = ticketOf(call)
      const { body, properties = [] } = read(Comment, call)
      spend(ticket)
      const now = new Date()
      const comment = {
        id: world.id(),
        author: world.bot,
        body: document(body),
        properties,
        created: now,
        updated: now,
      }
      ticket.comments.push(comment)
      ticket.updated = now
      world.onSeen('muster[bot]', 'commented on', ticket.key, plainOf(comment.body))
      world.onPosted(ticket, comment)
      return { status: 201, body: shownComment(world, ticket, comment, false) }
    },
  },
  {
    method: 'PUT',
    path: '/rest/api/3/issue/{issueIdOrKey}/comment/{id}',
    handle(call) {
      const ticket = ticketOf(call)
      const comment =
        ticket.comments.find(({ id }) => id === call.params['id']) ?? refuse(404, 'Can not find a comment for the id.')
      const { body } = read(Comment, call)
      spend(ticket)
      Object.assign(comment, { body: document(body), updated: new Date() })
      call.world.onSeen('muster[bot]', 'edited', ticket.key, plainOf(comment.body))
      return { status: 200, body: shownComment(call.world, ticket, comment, false) }
    },
  },
  {
    method: 'DELETE',
    path: '/rest/api/3/issue/{issueIdOrKey}/comment/{id}',
    handle(call) {
      const { comments } = ticketOf(call)
      const at = comments.findIndex(({ id }) => id === call.params['id'])
      if (at < 0) refuse(404, 'Can not find a comment for the id.')
      comments.splice(at, 1)
      return { status: 204, body: undefined }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/comment/{commentId}/properties/{propertyKey}',
    handle({ world, params }) {
      const comment = world.tickets.flatMap(({ comments }) => comments).find(({ id }) => id === params['commentId'])
      const property = comment?.properties.find(({ key }) => key === params['propertyKey'])
      return { status: 200, body: property ?? refuse(404, 'The property does not exist.') }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/issue/{issueIdOrKey}/transitions',
    handle(call) {
      const { status } = ticketOf(call)
      const transitions = STATUSES.filter(({ id }) => id !== status.id).map((to, index) => ({
        id: String(11 + index * 10),
        name: `To ${to.name.toLowerCase()}`,
        to: shownStatus(call.world, to),
        hasScreen: false,
        isGlobal: true,
        isInitial: false,
        isConditional: false,
        isAvailable: true,
      }))
      return { status: 200, body: { expand: 'transitions', transitions } }
    },
  },
  {
    method: 'POST',
    path: '/rest/api/3/issue/{issueIdOrKey}/transitions',
    handle(call) {
      const ticket = ticketOf(call)
      const { transition } = read(z.object({ transition: z.object({ id: z.string() }) }), call)
      const others = STATUSES.filter(({ id }) => id !== ticket.status.id)
      const to = others[(Number(transition.id) - 11) / 10] ?? refuse(400, 'It is not a valid transition.')
      spend(ticket)
      const item = {
        field: 'status',
        fieldtype: 'jira',
        from: ticket.status.id,
        fromString: ticket.status.name,
        to: to.id,
      }
      call.world.change(ticket, call.world.bot, [{ ...item, toString: to.name }])
      ticket.status = to
      call.world.onSeen('muster[bot]', 'moved', ticket.key, `to ${to.name}`)
      return { status: 204, body: undefined }
    },
  },
  {
    method: 'GET',
    path: '/rest/api/3/issue/{issueIdOrKey}/remotelink',
    handle(call) {
      const ticket = ticketOf(call)
      const self = `${call.world.url}/rest/api/3/issue/${ticket.id}/remotelink`
      return {
        status: 200,
        body: ticket.links.map(({ id, globalId, relationship, object }) => ({
          id,
          self: `${self}/${id}`,
          globalId,
          relationship,
          object,
        })),
      }
    },
  },
  {
    method: 'POST',
    path: '/rest/api/3/issue/{issueIdOrKey}/remotelink',
    handle(call) {
      const ticket = ticketOf(call)
      const { globalId = '', relationship = '', object } = read(Link, call)
      spend(ticket)
      const known = globalId ? ticket.links.find((one) => one.globalId === globalId) : undefined
      const id = known?.id ?? Number(call.world.id())
      if (known) Object.assign(known, { relationship, object })
      else ticket.links.push({ id, globalId, relationship, object })
      call.world.onSeen('muster[bot]', known ? 'changed the link on' : 'linked on', ticket.key, object.title)
      return {
        status: known ? 200 : 201,
        body: { id, self: `${call.world.url}/rest/api/3/issue/${ticket.id}/remotelink/${id}` },
      }
    },
  },
]
