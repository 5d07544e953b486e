import type { EffectBody, EffectResult, SurfaceBody } from '../../core/effects.ts'
import type { Cost } from '../../core/rate.ts'
import { surfaceCard } from '../../core/reply/card.ts'
import type { Reading } from '../../core/reply/foreign.ts'
import type { RichDocument } from '../../core/reply/rich.ts'
import { withTexts } from '../../core/reply/texts.ts'
import type { Surface } from '../../core/said.ts'
import { countParts, firstPart, foundIn, partsOf, sendParts } from '../messages.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import type { ClickupClient } from './client.ts'
import { markersOn, signed } from './markers.ts'
import { type CommentPart, renderComment, sizeOf } from './render.ts'
import { linkOn, move } from './ticket.ts'

export interface ClickupSendDeps {
  readonly client: ClickupClient
  /** Muster's own account. */
  readonly self: () => Promise<string>
  readonly reading: Reading
  /** Where Muster itself can be looked at: the signature below a comment leads there, and carries the marker. */
  readonly publicUrl: string
  /** The name of the field that shows the pull request. */
  readonly pullField: string
}

type Ticket = Extract<Surface, { channel: 'clickup' }>
type Own = SurfaceBody & { readonly surface: Ticket }

/** Sends what is seen in ClickUp. */
export function clickupSender(deps: ClickupSendDeps): Sender {
  return {
    costOf,
    async lookUp(body, context) {
      const own = ours(body)
      // Anything else changes nothing when it comes again.
      if (own.kind !== 'card.upsert' && own.kind !== 'message' && own.kind !== 'whisper') return undefined
      return foundIn(await markersOn(deps, own.surface.ticket), own, context.marker, sizeOf, deps.reading)
    },
    async send(body, context) {
      const own = ours(body)
      switch (own.kind) {
        case 'seen':
          // Reactions cannot be set by the API: the status comment shows that something was heard.
          return {}
        case 'whisper':
          return whisper(deps, own, context)
        case 'card.upsert':
          return card(deps, own.surface, context)
        case 'message':
          return message(deps, own, context)
        case 'ticket.move':
          return move(deps.client, own.surface.ticket, own.to, context.mayLeave)
        case 'ticket.link':
          return linkOn(deps.client, own.surface.ticket, own, deps.pullField, context.mayLeave)
        default:
          throw new SendError('fatal', `${own.kind} is not for ClickUp`)
      }
    },
  }
}

/** What an effect takes of ClickUp's limit: its requests. */
export function costOf(body: EffectBody): Cost {
  if (body.kind === 'seen') return {}
  return { request: body.kind === 'ticket.move' ? 3 : countParts(body, sizeOf) }
}

function ours(body: EffectBody): Own {
  if ('surface' in body && body.surface.channel === 'clickup') return { ...body, surface: body.surface }
  throw new SendError('fatal', `${body.kind} is not for ClickUp`)
}

/** ClickUp has nothing for one person's eyes: whoever it is for is called. */
function whisper(deps: ClickupSendDeps, own: Extract<Own, { kind: 'whisper' }>, context: SendContext) {
  const called: RichDocument = [
    { kind: 'paragraph', children: [{ kind: 'mention', id: own.member, name: own.name }] },
    ...firstPart(own.document, sizeOf, deps.reading),
  ]
  return post(deps, own.surface, called, context.marker, context.mayLeave)
}

/** The status comment of a task: written once, then edited in place. */
async function card(deps: ClickupSendDeps, surface: Ticket, context: SendContext): Promise<EffectResult> {
  const { task, now, previous, marker, mayLeave } = context
  if (!task) throw new SendError('fatal', 'the task is gone')
  const part = firstPart(surfaceCard(task, now), sizeOf, deps.reading)
  if (previous?.ref === undefined) return post(deps, surface, part, marker, mayLeave)
  const parts = partsWith(deps, part, marker)
  mayLeave()
  try {
    await deps.client.updateComment(previous.ref, parts, plainOf(parts))
  } catch (error) {
    // A comment that somebody deleted is not written again: that was a person's wish. A task that is gone is another matter.
    if (!(error instanceof SendError) || error.trouble !== 'gone') throw error
    await deps.client.task(surface.ticket)
  }
  return previous
}

/** A message; one that is too long becomes several comments. */
function message(deps: ClickupSendDeps, body: Extract<Own, { kind: 'message' }>, { marker, mayLeave }: SendContext) {
  return sendParts(
    partsOf(body, sizeOf, deps.reading),
    marker,
    () => markersOn(deps, body.surface.ticket),
    (part, name) => post(deps, body.surface, part, name, mayLeave),
  )
}

async function post(
  deps: ClickupSendDeps,
  { ticket }: Ticket,
  document: RichDocument,
  marker: string,
  mayLeave: () => void,
): Promise<EffectResult> {
  const parts = partsWith(deps, document, marker)
  mayLeave()
  return { ref: await deps.client.addComment(ticket, parts, plainOf(parts)) }
}

function partsWith({ reading, publicUrl }: ClickupSendDeps, document: RichDocument, marker: string): CommentPart[] {
  return [...renderComment(withTexts(document, reading.redact)), ...signed(publicUrl, marker)]
}

/** The same as plain text, for clients that know no formatting; the reference demands it. */
function plainOf(parts: readonly CommentPart[]): string {
  return parts.map(({ text }) => text).join('')
}
