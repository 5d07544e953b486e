import { hashOf } from '../../core/hash.ts'
import type { Arrival } from '../../core/inbound.ts'
import { surfaceAccount, surfaceKey } from '../../core/said.ts'
import { isTooDeep, jsonIn } from '../../core/json.ts'
import { headerIn, isHmac, unreadable } from '../signature.ts'
import type { Headers, Received } from '../types.ts'
import {
  BlockActions,
  EventCallback,
  Message,
  MessageAction,
  SlashCommand,
  FormMemory,
  ViewSubmission,
} from './schema.ts'

/** Older calls are replays (limits.md). */
const MAX_AGE_S = 300

/** Whether a call carries a signature of Slack's form, and a time at which it counts. */
export function looksSigned(headers: Headers, now: number): boolean {
  const signature = headerIn(headers, 'x-slack-signature') ?? ''
  return /^v0=[0-9a-f]{64}$/.test(signature) && isRecent(headerIn(headers, 'x-slack-request-timestamp') ?? '', now)
}

function isRecent(timestamp: string, now: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(now / 1000 - Number(timestamp)) <= MAX_AGE_S
}

/**
 * Checks a call of Slack's before anything of it is read: `v0=` HMAC-SHA256 over `v0:timestamp:body`, at most five minutes
 * old. Whoever signs has the signing secret; nothing else of the call is believed before that.
 */
export function receive(headers: Headers, body: Buffer, secret: string, now: number): Received {
  const timestamp = headerIn(headers, 'x-slack-request-timestamp') ?? ''
  const signature = headerIn(headers, 'x-slack-signature') ?? ''
  if (!isRecent(timestamp, now))
    return {
      ok: false,
      status: 401,
      detail: 'The timestamp (X-Slack-Request-Timestamp) is missing or over 5 minutes off.',
    }
  const signed = Buffer.concat([Buffer.from(`v0:${timestamp}:`), body])
  if (!signature.startsWith('v0=') || !isHmac(secret, signed, signature.slice(3)))
    return { ok: false, status: 401, detail: 'The signature (X-Slack-Signature) is missing or wrong.' }
  const form = formIn(headers, body)
  const inner = form ? Buffer.from(form.get('payload') ?? '') : body
  if (isTooDeep(inner)) return { ok: true, arrival: unreadable('slack', body) }
  const payload = form?.has('payload') === false ? Object.fromEntries(form) : objectIn(inner)
  if (payload === undefined) return { ok: false, status: 400, detail: 'The body is neither JSON nor a form of Slack.' }
  // Asked once, when the address is entered in Slack's settings.
  if (isChallenge(payload)) return { ok: true, answer: { type: 'text/plain', body: payload.challenge } }
  return { ok: true, arrival: arrivalOf(payload) }
}

function isChallenge(payload: unknown): payload is { type: string; challenge: string } {
  return (
    typeof payload === 'object' &&
    payload !== null &&
    'type' in payload &&
    payload.type === 'url_verification' &&
    'challenge' in payload &&
    typeof payload.challenge === 'string' &&
    payload.challenge.length < 1000
  )
}

/** Events come as JSON, interactions as JSON in a form, slash commands as a form. */
function formIn(headers: Headers, body: Buffer): URLSearchParams | undefined {
  const type = headerIn(headers, 'content-type') ?? ''
  return type.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(body.toString('utf8')) : undefined
}

function objectIn(body: Uint8Array): unknown {
  const value = jsonIn(body)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

/** A payload as it is stored, whichever way it came (HTTP or a socket). */
export function arrivalOf(payload: unknown): Arrival {
  const { kind, deliveryId, lane, account } = whatIs(payload)
  return {
    source: 'slack',
    deliveryId: deliveryId.replaceAll(/[^\w:.-]/g, '_').slice(0, 200),
    kind: kind.slice(0, 60),
    body: Buffer.from(JSON.stringify(payload)),
    ...(lane === undefined ? {} : { lane }),
    ...(account === undefined ? {} : { account }),
  }
}

interface Peeked {
  readonly kind: string
  readonly deliveryId: string
  readonly lane?: string
  readonly account?: string
}

/**
 * What a payload is and where it was said. A message and its twin (`message` + `app_mention`) have one id, which is theirs in
 * Slack: the channel and the time; so have Slack's repeats of either.
 */
function whatIs(payload: unknown): Peeked {
  const event = EventCallback.safeParse(payload)
  if (event.success) return eventIs(event.data)
  const action = BlockActions.safeParse(payload)
  if (action.success) {
    const { team, user, container, channel, message, trigger_id, actions } = action.data
    const room = channel?.id ?? container?.channel_id
    const at = message?.thread_ts ?? message?.ts ?? container?.message_ts
    const id = trigger_id ?? `${user.id}:${actions[0]?.action_ts ?? hashOf(payload)}`
    return { kind: 'block_actions', deliveryId: `action:${id}`, ...placeOf(team?.id ?? user.team_id, room, at) }
  }
  const shortcut = MessageAction.safeParse(payload)
  if (shortcut.success) {
    const { team, channel, message, trigger_id } = shortcut.data
    const place = placeOf(team.id, channel.id, message.thread_ts ?? message.ts)
    return { kind: 'message_action', deliveryId: `shortcut:${trigger_id ?? hashOf(payload)}`, ...place }
  }
  const slash = SlashCommand.safeParse(payload)
  if (slash.success) {
    const { command, team_id, trigger_id } = slash.data
    return {
      kind: `command ${command}`,
      deliveryId: `slash:${trigger_id ?? hashOf(payload)}`,
      account: `slack:${team_id}`,
    }
  }
  const form = ViewSubmission.safeParse(payload)
  if (form.success) {
    const { team, user, view } = form.data
    const memory = FormMemory.safeParse(jsonIn(Buffer.from(view.private_metadata ?? '')))
    const place = memory.success ? placeOf(team?.id ?? user.team_id, memory.data.room, memory.data.thread) : {}
    // A form is sent once; what Slack repeats is the same view.
    return { kind: 'view_submission', deliveryId: `form:${view.id}`, ...place }
  }
  const type = typeIn(payload)
  return { kind: type, deliveryId: `${type}:${hashOf(payload)}` }
}

/** What a call says that it is; only text is a name. */
export function typeIn(payload: unknown): string {
  const isNamed =
    typeof payload === 'object' && payload !== null && 'type' in payload && typeof payload.type === 'string'
  return isNamed ? String(payload.type).slice(0, 60) : 'unknown'
}

function eventIs({ team_id, event_id, event }: ReturnType<typeof EventCallback.parse>): Peeked {
  const message = Message.safeParse(event)
  if (!message.success) return { kind: event.type, deliveryId: event_id, account: `slack:${team_id}` }
  const { channel, ts, thread_ts, subtype, type } = message.data
  // Edits and deletions tell of a message under an id of their own.
  const isWords =
    subtype === undefined || subtype === 'bot_message' || subtype === 'thread_broadcast' || subtype === 'file_share'
  return {
    kind: subtype ? `${type}.${subtype}` : type,
    deliveryId: isWords ? `${team_id}:${channel}:${ts}` : event_id,
    ...placeOf(team_id, channel, thread_ts ?? ts),
  }
}

function placeOf(team: string | undefined, room: string | undefined, thread: string | undefined) {
  if (!team) return {}
  if (!room || !thread) return { account: `slack:${team}` }
  const surface = { channel: 'slack', team, room, thread } as const
  return { lane: surfaceKey(surface), account: surfaceAccount(surface) }
}
