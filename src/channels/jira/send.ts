import type { EffectBody, EffectResult, SurfaceBody } from '../../core/effects.ts'
import { surfaceCard } from '../../core/reply/card.ts'
import { type Reading, titleOf } from '../../core/reply/foreign.ts'
import type { RichDocument } from '../../core/reply/rich.ts'
import { withTexts } from '../../core/reply/texts.ts'
import type { Surface } from '../../core/said.ts'
import { firstPart, foundIn, MARKED, partsOf, rewriteParts, unreadable } from '../messages.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import { asking, type JiraClient } from './client.ts'
import { costOf } from './costs.ts'
import { MARKER, markersOn } from './markers.ts'
import { renderAdf, sizeOf } from './render.ts'
import { split } from './subtasks.ts'
import { linkOn, move } from './ticket.ts'

export interface JiraSendDeps {
  readonly client: JiraClient
  /** Muster's own account. */
  readonly self: () => Promise<string>
  readonly reading: Reading
}

type Ticket = Extract<Surface, { channel: 'jira' }>
type Own = SurfaceBody & { readonly surface: Ticket }

/** Sends what is seen in Jira. */
export function jiraSender(deps: JiraSendDeps): Sender {
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
          // Jira has no reactions: the status comment shows that something was heard.
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
        case 'ticket.split':
          return split(
            deps,
            own.surface.ticket,
            own.parts.map((part) => titleOf(part, 255, deps.reading)),
            context.mayLeave,
          )
        case 'ticket.link':
          return linkOn(
            deps.client,
            own.surface.ticket,
            { ...own, title: titleOf(own.title, 255, deps.reading) },
            context.mayLeave,
          )
        case 'chart':
        case 'form':
        case 'home':
        case 'mark.upsert':
        case 'unfurl':
          throw new SendError('fatal', `${own.kind} is not for Jira`)
        default:
          return unreadable(own)
      }
    },
  }
}

function ours(body: EffectBody): Own {
  if ('surface' in body && body.surface.channel === 'jira') return { ...body, surface: body.surface }
  throw new SendError('fatal', `${body.kind} is not for Jira`)
}

/** Jira has nothing for one person's eyes: whoever it is for is called. */
async function whisper(deps: JiraSendDeps, own: Extract<Own, { kind: 'whisper' }>, context: SendContext) {
  const called: RichDocument = [
    { kind: 'paragraph', children: [{ kind: 'mention', id: own.member, name: own.name }] },
    ...firstPart(own.document, sizeOf, deps.reading),
  ]
  return { ref: await post(deps, own.surface, called, context.marker, context.mayLeave) }
}

/** The status comment of a ticket: written once, then edited in place, without a mail to anybody. */
async function card(deps: JiraSendDeps, surface: Ticket, context: SendContext): Promise<EffectResult> {
  const { task, now, previous, marker, mayLeave } = context
  if (!task) throw new SendError('fatal', 'the task is gone')
  const part = firstPart(surfaceCard(task, now), sizeOf, deps.reading)
  if (previous?.ref === undefined) return { ref: await post(deps, surface, part, marker, mayLeave) }
  await edit(deps, surface, previous.ref, part, marker, mayLeave)
  return previous
}

async function edit(
  deps: JiraSendDeps,
  surface: Ticket,
  id: string,
  part: RichDocument,
  marker: string,
  mayLeave: () => void,
): Promise<void> {
  mayLeave()
  await unlessDeleted(deps, surface, () =>
    deps.client.issueComments.updateComment({
      issueIdOrKey: surface.ticket,
      id,
      notifyUsers: false,
      body: { body: adf(deps, part), properties: [propertyOf(marker)] },
    }),
  )
}

async function remove(deps: JiraSendDeps, surface: Ticket, id: string, mayLeave: () => void): Promise<void> {
  mayLeave()
  await unlessDeleted(deps, surface, () =>
    deps.client.issueComments.deleteComment({ issueIdOrKey: surface.ticket, id }),
  )
}

/** A comment that somebody deleted is not written again: that was a person's wish. A ticket that is gone is another matter. */
async function unlessDeleted(deps: JiraSendDeps, surface: Ticket, change: () => Promise<unknown>): Promise<void> {
  try {
    await asking(change)
  } catch (error) {
    if (!(error instanceof SendError) || error.trouble !== 'gone' || !(await isThere(deps, surface))) throw error
  }
}

async function isThere({ client }: JiraSendDeps, { ticket }: Ticket): Promise<boolean> {
  return asking(() => client.issues.getIssue({ issueIdOrKey: ticket, fields: ['summary'] })).then(
    () => true,
    () => false,
  )
}

/** A message; one that is too long becomes several comments. One that stands there is changed: what was decided is shown. */
function message(deps: JiraSendDeps, body: Extract<Own, { kind: 'message' | 'message.upsert' }>, context: SendContext) {
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
  deps: JiraSendDeps,
  { ticket }: Ticket,
  document: RichDocument,
  marker: string,
  mayLeave: () => void,
): Promise<string> {
  mayLeave()
  const { id } = await asking(() =>
    deps.client.issueComments.addComment({
      issueIdOrKey: ticket,
      body: adf(deps, document),
      properties: [propertyOf(marker)],
    }),
  )
  return id ?? ''
}

function propertyOf(marker: string) {
  return { key: MARKER, value: { marker } }
}

function adf({ reading }: JiraSendDeps, document: RichDocument) {
  const { version, type, content } = renderAdf(withTexts(document, reading.redact))
  return { version, type, content: content.map((node) => ({ ...node })) }
}
