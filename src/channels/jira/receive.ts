import { hashOf } from '../../core/hash.ts'
import type { Arrival } from '../../core/inbound.ts'
import { surfaceAccount, surfaceKey } from '../../core/said.ts'
import { isTooDeep, jsonIn } from '../../core/json.ts'
import { headerIn, isHmac, unreadable } from '../signature.ts'
import type { Headers, Received } from '../types.ts'
import { type JiraPayload, Payload } from './schema.ts'

/** Whether a call carries a signature of Jira's form, or the token (JWT) of an installed app. */
export function looksSigned(headers: Headers): boolean {
  return (
    /^sha256=[0-9a-f]{64}$/.test(headerIn(headers, 'x-hub-signature') ?? '') ||
    /^(?:JWT|Bearer) [\w-]+\.[\w-]+\.[\w-]+$/.test(headerIn(headers, 'authorization') ?? '')
  )
}

/** Checks a webhook of Jira's before anything of it is read: `X-Hub-Signature: sha256=…` over the raw body (limits.md). */
export function receive(headers: Headers, body: Buffer, secret: string): Received {
  const signature = headerIn(headers, 'x-hub-signature') ?? ''
  if (!signature.startsWith('sha256=') || !isHmac(secret, body, signature.slice('sha256='.length)))
    return { ok: false, status: 401, detail: 'The signature (X-Hub-Signature) is missing or wrong.' }
  if (isTooDeep(body)) return { ok: true, arrival: unreadable('jira', body) }
  const payload = jsonIn(body)
  if (typeof payload !== 'object' || payload === null)
    return { ok: false, status: 400, detail: 'The body is not the JSON of a webhook.' }
  return { ok: true, arrival: arrivalOf(payload, body, headerIn(headers, 'x-atlassian-webhook-identifier')) }
}

/** A payload as it is stored. @param delivery what Jira calls the delivery, the same when it sends it again */
export function arrivalOf(payload: unknown, body: Buffer, delivery?: string): Arrival {
  const parsed = Payload.safeParse(payload)
  const id = parsed.success ? idOf(parsed.data) : undefined
  const surface = parsed.success ? surfaceOf(parsed.data) : undefined
  return {
    source: 'jira',
    deliveryId: (id ?? delivery ?? `hash:${hashOf(payload)}`).replaceAll(/[^\w:.-]/g, '_').slice(0, 200),
    kind: parsed.success ? parsed.data.webhookEvent.slice(0, 60) : 'unknown',
    body,
    ...(surface ? { lane: surfaceKey(surface), account: surfaceAccount(surface) } : {}),
  }
}

/**
 * A comment and its twin (`comment_created`, and Server's `issue_updated` with the same comment) have one id; so has a change
 * of a ticket, by its entry in the history. Catching up finds both under the same ids.
 */
function idOf(payload: JiraPayload): string | undefined {
  const { webhookEvent, comment, issue, changelog } = payload
  if (comment && isNewComment(payload)) return `comment:${siteOf(comment.self)}:${comment.id}`
  if (webhookEvent === 'jira:issue_created' && issue) return `created:${siteOf(issue.self)}:${issue.id}`
  return issue && changelog?.id ? `change:${siteOf(issue.self)}:${changelog.id}` : undefined
}

/**
 * Whether a comment was newly written. Servers before 7 tell of one by `issue_updated` without a type of its own, of an edited one too;
 * and with it whatever was changed in the same form, of which an assignment and labels count for themselves.
 */
export function isNewComment({ webhookEvent, issue_event_type_name: type, comment, changelog }: JiraPayload): boolean {
  if (!comment) return false
  if (webhookEvent === 'comment_created' || type === 'issue_commented') return true
  const isUntouched = comment.updated === undefined || comment.updated === comment.created
  const isChange = changelog?.items.some(({ field }) => field === 'assignee' || field === 'labels') ?? false
  return webhookEvent === 'jira:issue_updated' && type === undefined && isUntouched && !isChange
}

/** The host that a resource's own address names. */
export function siteOf(self: string): string {
  return URL.canParse(self) ? new URL(self).host : 'unknown'
}

/** The ticket of a payload. Server names it only in the address of a comment. */
export function surfaceOf({ issue, comment }: Pick<JiraPayload, 'issue' | 'comment'>) {
  const self = issue?.self ?? comment?.self
  const ticket = issue?.id ?? /\/issue\/(\d{1,20})\/comment\//.exec(comment?.self ?? '')?.[1]
  if (self === undefined || ticket === undefined) return undefined
  const name = issue?.key ?? ticket
  const url =
    issue?.key && URL.canParse(self) ? `${new URL(self).origin}/browse/${encodeURIComponent(name)}` : undefined
  return { channel: 'jira', site: siteOf(self), ticket, name, ...(url ? { url } : {}) } as const
}
