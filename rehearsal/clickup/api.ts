import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type RestCall, RestRefusal, type RestRoute } from '../rest.ts'
import { shownComment, shownTicket, shownUser, shownWebhook } from './shapes.ts'
import { type ClickupTicket, type ClickupWorld, type Piece, PULL_FIELD, STATUSES } from './world.ts'

type Call = RestCall<ClickupWorld>

const Words = z.object({
  comment: z.array(z.looseObject({ text: z.string() })).optional(),
  comment_text: z.string(),
})
/** What a comment may hold here; ClickUp names no limit, and its editor none. */
const MAX_TEXT = 200_000
const COMMENTS_PAGE = 25
const TASKS_PAGE = 100

function refuse(status: number, err: string, ECODE: string): never {
  throw new RestRefusal(status, { err, ECODE })
}

function ticketOf({ world, params }: Call): ClickupTicket {
  return world.ticket(params['task_id'] ?? '') ?? refuse(404, 'Task not found, deleted', 'ITEM_013')
}

function read<T>(shape: z.ZodType<T>, { body }: Call): T {
  const parsed = shape.safeParse(body)
  return parsed.success ? parsed.data : refuse(400, parsed.error.issues[0]?.message ?? 'Bad request', 'INPUT_001')
}

function words(call: Call): { comment: readonly Piece[]; text: string } {
  const { comment, comment_text: text } = read(Words, call)
  if (text === '' || text.length > MAX_TEXT) refuse(400, 'Comment text invalid', 'COMM_012')
  return { comment: comment ? z.array(z.custom<Piece>()).parse(comment) : [{ text }], text }
}

/** ClickUp's API, as far as Muster uses it. */
export const CLICKUP_ROUTES: readonly RestRoute<ClickupWorld>[] = [
  { method: 'GET', path: '/user', handle: ({ world }) => ({ status: 200, body: { user: shownUser(world.bot) } }) },
  {
    method: 'GET',
    path: '/team',
    handle: ({ world }) => ({
      status: 200,
      body: {
        teams: [
          {
            ...world.team,
            color: '#000000',
            avatar: '',
            members: world.users.map((user) => ({ user: { ...shownUser(user), role: user.role } })),
          },
        ],
      },
    }),
  },
  {
    method: 'GET',
    path: '/task/{task_id}',
    handle: (call) => ({ status: 200, body: shownTicket(call.world, ticketOf(call)) }),
  },
  {
    method: 'PUT',
    path: '/task/{task_id}',
    handle(call) {
      const ticket = ticketOf(call)
      const { status } = read(z.object({ status: z.string() }), call)
      const next = STATUSES.find((one) => one.status === status) ?? refuse(400, 'Status not found', 'ITEM_114')
      Object.assign(ticket, { status: next, updated: Date.now() })
      return { status: 200, body: shownTicket(call.world, ticket) }
    },
  },
  {
    method: 'GET',
    path: '/team/{team_Id}/task',
    handle({ world, query }) {
      const after = Number(query.get('date_updated_gt') ?? 0)
      const page = Number(query.get('page') ?? 0)
      const tasks = world.tickets
        .filter(({ updated }) => updated > after)
        .slice(page * TASKS_PAGE, (page + 1) * TASKS_PAGE)
        .map((one) => shownTicket(world, one))
      return { status: 200, body: { tasks, last_page: tasks.length < TASKS_PAGE } }
    },
  },
  {
    method: 'POST',
    path: '/task/{task_id}/field/{field_id}',
    handle(call) {
      const ticket = ticketOf(call)
      const { value } = read(z.object({ value: z.url() }), call)
      if (call.params['field_id'] !== PULL_FIELD.id) refuse(400, 'Custom field not found', 'FIELD_011')
      ticket.fields.set(PULL_FIELD.id, value)
      ticket.updated = Date.now()
      return { status: 200, body: {} }
    },
  },
  {
    method: 'GET',
    path: '/list/{list_id}',
    handle({ world, params }) {
      if (params['list_id'] !== world.list.id) refuse(404, 'List not found', 'LIST_001')
      return {
        status: 200,
        body: {
          ...world.list,
          folder: { ...world.folder, hidden: true, access: true },
          space: { ...world.space, access: true },
          statuses: STATUSES,
        },
      }
    },
  },
  {
    method: 'GET',
    path: '/task/{task_id}/comment',
    handle(call) {
      const newest = ticketOf(call)
        .comments.filter(({ date }) => date <= Date.now() - call.world.hiddenMs)
        .toReversed()
      const before = call.query.get('start_id')
      const from = before === null ? 0 : newest.findIndex(({ id }) => id === before) + 1
      return { status: 200, body: { comments: newest.slice(from, from + COMMENTS_PAGE).map(shownComment) } }
    },
  },
  {
    method: 'POST',
    path: '/task/{task_id}/comment',
    handle(call) {
      const { world } = call
      const ticket = ticketOf(call)
      const one = { id: world.id(), user: world.bot, ...words(call), date: Date.now(), edits: 0 }
      ticket.comments.push(one)
      ticket.updated = one.date
      world.onPosted(ticket, one)
      return { status: 200, body: { id: one.id, hist_id: world.id(), date: one.date } }
    },
  },
  {
    method: 'PUT',
    path: '/comment/{comment_id}',
    handle(call) {
      const { world, params } = call
      const found = world.tickets.flatMap(({ comments }) => comments).find(({ id }) => id === params['comment_id'])
      const one = found ?? refuse(404, 'Comment not found', 'COMM_011')
      if (one.user !== world.bot) refuse(403, 'Not your comment', 'COMM_020')
      Object.assign(one, words(call), { edits: one.edits + 1 })
      return { status: 200, body: {} }
    },
  },
  {
    method: 'DELETE',
    path: '/comment/{comment_id}',
    handle({ world, params }) {
      const isIt = ({ id }: { readonly id: string }) => id === params['comment_id']
      const ticket =
        world.tickets.find(({ comments }) => comments.some(isIt)) ?? refuse(404, 'Comment not found', 'COMM_011')
      ticket.comments.splice(ticket.comments.findIndex(isIt), 1)
      return { status: 200, body: {} }
    },
  },
  {
    method: 'GET',
    path: '/team/{team_id}/webhook',
    handle: ({ world }) => ({ status: 200, body: { webhooks: world.hooks.map((one) => shownWebhook(world, one)) } }),
  },
  {
    method: 'POST',
    path: '/team/{team_id}/webhook',
    handle(call) {
      const { world } = call
      const { endpoint, events } = read(z.object({ endpoint: z.url(), events: z.array(z.string()) }), call)
      const hook = {
        id: randomUUID(),
        endpoint,
        events,
        failCount: 0,
        status: 'active',
        secret: randomBytes(24).toString('hex'),
      } as const
      world.hooks.push({ ...hook })
      return { status: 200, body: { id: hook.id, webhook: shownWebhook(world, hook) } }
    },
  },
  {
    method: 'PUT',
    path: '/webhook/{webhook_id}',
    handle(call) {
      const { world, params } = call
      const hook =
        world.hooks.find(({ id }) => id === params['webhook_id']) ?? refuse(404, 'Webhook not found', 'HOOK_001')
      const { status, endpoint } = read(
        z.object({ status: z.literal('active'), endpoint: z.url(), events: z.string() }),
        call,
      )
      Object.assign(hook, { status, endpoint, failCount: 0 })
      return { status: 200, body: { id: hook.id, webhook: shownWebhook(world, hook) } }
    },
  },
]
