import type { EffectBody, EffectResult, SurfaceBody } from '../../core/effects.ts'
import { surfaceCard } from '../../core/reply/card.ts'
import type { Reading } from '../../core/reply/foreign.ts'
import type { RichDocument } from '../../core/reply/rich.ts'
import { withTexts } from '../../core/reply/texts.ts'
import type { Surface } from '../../core/said.ts'
import { firstPart, foundIn, MARKED, partsOf, rewriteParts, unreadable } from '../messages.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import type { ClickupClient } from './client.ts'
import { costOf } from './costs.ts'
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
      if (!MARKED.has(own.kind)) return undefined
      return foundIn(await markersOn(deps, own.surface.ticket), own, context.marker, sizeOf, deps.reading, context)
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
        case 'message.upsert':
          return message(deps, own, context)
        case 'ticket.move':
          return move(deps.client, own.surface.ticket, own.to, context.mayLeave)
        case 'ticket.link':
          return linkOn(deps.client, own.surface.ticket, own, deps.pullField, context.mayLeave)
        case 'chart':
        case 'form':
        case 'home':
        case 'mark.upsert':
        case 'ticket.split':
        case 'unfurl':
          throw new SendError('fatal', `${own.kind} is not for ClickUp`)
        default:
          return unreadable(own)
      }
    },
  }
}

function ours(body: EffectBody): Own {
  if ('surface' in body && body.surface.channel === 'clickup') return { ...body, surface: body.surface }
  throw new SendError('fatal', `${body.kind} is not for ClickUp`)
}

/** ClickUp has nothing for one person's eyes: whoever it is for is called. */
async function whisper(deps: ClickupSendDeps, own: Extract<Own, { kind: 'whisper' }>, context: SendContext) {
  const called: RichDocument = [
    { kind: 'paragraph', children: [{ kind: 'mention', id: own.member, name: own.name }] },
    ...firstPart(own.document, sizeOf, deps.reading),
  ]
  return { ref: await post(deps, own.surface, called, context.marker, context.mayLeave) }
}

/** The status comment of a task: written once, then edited in place. */
async function card(deps: ClickupSendDeps, surface: Ticket, context: SendContext): Promise<EffectResult> {
  const { task, now, previous, marker, mayLeave } = context
  if (!task) throw new SendError('fatal', 'the task is gone')
  const part = firstPart(surfaceCard(task, now), sizeOf, deps.reading)
  if (previous?.ref === undefined) return { ref: await post(deps, surface, part, marker, mayLeave) }
  await edit(deps, surface, previous.ref, part, marker, mayLeave)
  return previous
}

async function edit(
  deps: ClickupSendDeps,
  surface: Ticket,
  id: string,
  document: RichDocument,
  marker: string,
  mayLeave: () => void,
): Promise<void> {
  const parts = partsWith(deps, document, marker)
  mayLeave()
  await unlessDeleted(deps, surface, () => deps.client.updateComment(id, parts, plainOf(parts)))
}

async function remove(deps: ClickupSendDeps, surface: Ticket, id: string, mayLeave: () => void): Promise<void> {
  mayLeave()
  await unlessDeleted(deps, surface, () => deps.client.deleteComment(id))
}

/** A comment that somebody deleted is not written again: that was a person's wish. A task that is gone is another matter. */
async function unlessDeleted(
  { client }: ClickupSendDeps,
  { ticket }: Ticket,
  change: () => Promise<unknown>,
): Promise<void> {
  try {
    await change()
  } catch (error) {
    if (!(error instanceof SendError) || error.trouble !== 'gone') throw error
    await client.task(ticket)
  }
}

/** A message; one that is too long becomes several comments. One that stands there is changed: what was decided is shown. */
function message(
  deps: ClickupSendDeps,
  body: Extract<Own, { kind: 'message' | 'message.upsert' }>,
  context: SendContext,
) {
  const { surface } = body
  const { marker, previous, mayLeave } = context
  const own = () => markersOn(deps, surface.ticket)
  return rewriteParts(partsOf(body, sizeOf, deps.reading, context), marker, previous, own, {
    post: (part, name) => post(deps, surface, part, name, mayLeave),
    edit: (id, part, name) => edit(deps, surface, id, part, name, mayLeave),
    remove: (id) => remove(deps, surface, id, mayLeave),
  })
}

async function post(
  deps: ClickupSendDeps,
  { ticket }: Ticket,
  document: RichDocument,
  marker: string,
  mayLeave: () => void,
): Promise<string> {
  const parts = partsWith(deps, document, marker)
  mayLeave()
  return deps.client.addComment(ticket, parts, plainOf(parts))
}

function partsWith({ reading, publicUrl }: ClickupSendDeps, document: RichDocument, marker: string): CommentPart[] {
  return [...renderComment(withTexts(document, reading.redact)), ...signed(publicUrl, marker)]
}

/** The same as plain text, for clients that know no formatting; the reference demands it. */
function plainOf(parts: readonly CommentPart[]): string {
  return parts.map(({ text }) => text).join('')
}
