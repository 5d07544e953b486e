import { z } from 'zod'
import { messageOf } from '../../core/errors.ts'
import { SendError } from '../types.ts'
import type { CommentPart } from './render.ts'
import { Comment, List, Member, TicketTask, User, Webhook } from './schema.ts'

export interface ClickupAccess {
  readonly apiToken: string
  readonly apiUrl: string
}

const PATIENCE_MS = 20_000
const PAUSE_MS = 60_000
const ROLE_GUEST = 4

type Query = Readonly<Record<string, string | number | boolean>>

/** ClickUp's API (v2), as far as Muster uses it (https://developer.clickup.com/reference). Every call @throws SendError. */
export interface ClickupClient {
  user(): Promise<z.infer<typeof User>>
  /** Everybody in a workspace, with whether they are guests. */
  members(team: string): Promise<readonly { readonly user: z.infer<typeof User>; readonly isGuest: boolean }[]>
  task(id: string): Promise<z.infer<typeof TicketTask>>
  /** Tasks that changed after a time (ms), a hundred a page. */
  changed(team: string, after: number, page: number): Promise<readonly z.infer<typeof TicketTask>[]>
  setStatus(task: string, status: string): Promise<void>
  setField(task: string, field: string, value: string): Promise<void>
  list(id: string): Promise<z.infer<typeof List>>
  /** The newest 25 comments, or those before one. */
  comments(task: string, before?: z.infer<typeof Comment>): Promise<readonly z.infer<typeof Comment>[]>
  addComment(task: string, parts: readonly CommentPart[], plain: string): Promise<string>
  updateComment(id: string, parts: readonly CommentPart[], plain: string): Promise<void>
  deleteComment(id: string): Promise<void>
  webhooks(team: string): Promise<readonly z.infer<typeof Webhook>[]>
  /** Has ClickUp send events. @returns its id, and the secret that it signs with */
  addWebhook(team: string, endpoint: string, events: readonly string[]): Promise<{ id: string; secret: string }>
  /** Lets a webhook that ClickUp has suspended deliver again. */
  activate(webhook: z.infer<typeof Webhook>): Promise<void>
}

/** A small client of our own over `fetch`: there is no kept library. */
export function clickupClient(access: ClickupAccess): ClickupClient {
  const get = <T>(shape: z.ZodType<T>, path: string, query: Query = {}) => call(access, shape, 'GET', path, query)
  const nothing = z.unknown()
  const write = <T>(shape: z.ZodType<T>, method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown) =>
    call(access, shape, method, path, {}, body)
  const id = encodeURIComponent
  return {
    user: async () => (await get(z.object({ user: User }), '/user')).user,
    async members(team) {
      const { teams } = await get(
        z.object({ teams: z.array(z.object({ id: z.string(), members: z.array(Member) })) }),
        '/team',
      )
      const members = teams.find((one) => one.id === team)?.members ?? []
      return members.map(({ user }) => ({ user, isGuest: user.role === ROLE_GUEST }))
    },
    task: (task) => get(TicketTask, `/task/${id(task)}`),
    async changed(team, after, page) {
      const query = { date_updated_gt: after, page, include_closed: true, subtasks: true, order_by: 'updated' }
      return (await get(z.object({ tasks: z.array(TicketTask) }), `/team/${id(team)}/task`, query)).tasks
    },
    setStatus: async (task, status) => void (await write(nothing, 'PUT', `/task/${id(task)}`, { status })),
    setField: async (task, field, value) =>
      void (await write(nothing, 'POST', `/task/${id(task)}/field/${id(field)}`, { value })),
    list: (list) => get(List, `/list/${id(list)}`),
    async comments(task, before) {
      const query: Query = before ? { start: before.date, start_id: before.id } : {}
      return (await get(z.object({ comments: z.array(Comment) }), `/task/${id(task)}/comment`, query)).comments
    },
    async addComment(task, parts, plain) {
      const body = { comment: parts, comment_text: plain, notify_all: false }
      return (await write(z.object({ id: Comment.shape.id }), 'POST', `/task/${id(task)}/comment`, body)).id
    },
    updateComment: async (comment, parts, plain) =>
      void (await write(nothing, 'PUT', `/comment/${id(comment)}`, {
        comment: parts,
        comment_text: plain,
        resolved: false,
      })),
    deleteComment: async (comment) => void (await write(nothing, 'DELETE', `/comment/${id(comment)}`, undefined)),
    webhooks: async (team) =>
      (await get(z.object({ webhooks: z.array(Webhook) }), `/team/${id(team)}/webhook`)).webhooks,
    async addWebhook(team, endpoint, events) {
      const shape = z.object({ id: z.string(), webhook: z.object({ secret: z.string().min(8) }) })
      const { id: webhook, webhook: made } = await write(shape, 'POST', `/team/${id(team)}/webhook`, {
        endpoint,
        events,
      })
      return { id: webhook, secret: made.secret }
    },
    activate: async ({ id: webhook, endpoint, events }) =>
      void (await write(nothing, 'PUT', `/webhook/${id(webhook)}`, {
        endpoint,
        events: events.length > 0 ? events.join(',') : '*',
        status: 'active',
      })),
  }
}

async function call<T>(
  { apiToken, apiUrl }: ClickupAccess,
  shape: z.ZodType<T>,
  method: string,
  path: string,
  query: Query,
  body?: unknown,
): Promise<T> {
  const url = new URL(apiUrl + path)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  const answer = await fetch(url, {
    method,
    headers: { authorization: apiToken, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
    redirect: 'error',
  }).catch((error: unknown) => {
    throw new SendError('unknown', `ClickUp did not answer (${messageOf(error)})`, { cause: error })
  })
  const text = await answer.text().catch((error: unknown) => {
    throw new SendError('unknown', 'ClickUp broke off its answer', { cause: error })
  })
  if (!answer.ok) throw refused(answer, text)
  const parsed = shape.safeParse(jsonOf(text))
  if (!parsed.success)
    throw new SendError('unknown', `ClickUp's answer to ${method} ${path} is not what its reference says`, {
      cause: parsed.error,
    })
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a refusal means (https://developer.clickup.com/docs/common_errors, limits.md). */
function refused(answer: Response, text: string): SendError {
  const { status } = answer
  const detail = text.slice(0, 300)
  if (status === 429) {
    const until = Number(answer.headers.get('x-ratelimit-reset')) * 1000 - Date.now()
    return new SendError('retry', 'ClickUp asks to wait', { retryAfterMs: until > 0 ? until : PAUSE_MS })
  }
  // Not the token, but this one thing is not for us ("Team not authorized").
  if (status === 401 && /OAUTH_0(2[367]|29|3\d|4[0-5])\b/.test(text))
    return new SendError('fatal', 'ClickUp: the task is in a place that Muster may not see', { trouble: 'gone' })
  if (status === 401)
    return new SendError('fatal', `ClickUp does not accept the token: check CLICKUP_API_TOKEN (${detail})`, {
      trouble: 'token',
    })
  if (status === 404)
    return new SendError('fatal', 'ClickUp: the task is gone, or hidden from Muster', { trouble: 'gone' })
  return status >= 500
    ? new SendError('unknown', `ClickUp answered ${status}`)
    : new SendError('fatal', `ClickUp answered ${status}: ${detail}`)
}
