import { hashOf } from '../../core/hash.ts'
import type { Arrival } from '../../core/inbound.ts'
import { surfaceAccount, surfaceKey } from '../../core/said.ts'
import { isTooDeep, jsonIn } from '../../core/json.ts'
import { headerIn, isHmac, unreadable } from '../signature.ts'
import type { Headers, Received } from '../types.ts'
import { Payload } from './schema.ts'

/** Whether a call carries a signature of ClickUp's form. */
export function looksSigned(headers: Headers): boolean {
  return /^[0-9a-f]{64}$/.test(headerIn(headers, 'x-signature') ?? '')
}

/**
 * Checks a webhook of ClickUp's before anything of it is read: `X-Signature`, the hex HMAC-SHA256 of the raw body (limits.md).
 * What ClickUp repeats has the id of the same change.
 * @param team the workspace that the webhook was made for
 */
export function receive(headers: Headers, body: Buffer, secret: string, team: string): Received {
  if (!isHmac(secret, body, headerIn(headers, 'x-signature') ?? ''))
    return { ok: false, status: 401, detail: 'The signature (X-Signature) is missing or wrong.' }
  if (isTooDeep(body)) return { ok: true, arrival: unreadable('clickup', body) }
  const payload = jsonIn(body)
  if (typeof payload !== 'object' || payload === null)
    return { ok: false, status: 400, detail: 'The body is not the JSON of a webhook.' }
  return { ok: true, arrival: arrivalOf(payload, body, team) }
}

/** A payload as it is stored. */
export function arrivalOf(payload: unknown, body: Buffer, team: string): Arrival {
  const parsed = Payload.safeParse(payload)
  const [item] = parsed.success ? (parsed.data.history_items ?? []) : []
  // Catching up finds a comment by its own id.
  const change =
    parsed.success && parsed.data.event === 'taskCommentPosted' && item?.comment
      ? `comment:${item.comment.id}`
      : item?.id
  const ticket = parsed.success ? parsed.data.task_id : undefined
  const surface = ticket === undefined ? undefined : ({ channel: 'clickup', team, ticket } as const)
  return {
    source: 'clickup',
    deliveryId: (change === undefined ? `hash:${hashOf(payload)}` : `${ticket}:${change}`)
      .replaceAll(/[^\w:.-]/g, '_')
      .slice(0, 200),
    kind: parsed.success ? parsed.data.event.slice(0, 60) : 'unknown',
    body,
    ...(surface ? { lane: surfaceKey(surface), account: surfaceAccount(surface) } : {}),
  }
}
