import type { Button, EffectBody, EffectResult, SurfaceBody } from '../../core/effects.ts'
import { surfaceCard } from '../../core/reply/card.ts'
import { buttonsOf } from '../../core/reply/buttons.ts'
import { isAside } from '../../core/said.ts'
import type { RichDocument } from '../../core/reply/rich.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import {
  clockFloor,
  firstPart,
  foundIn,
  type Markers,
  partsOf,
  rewriteParts,
  sendParts,
  type Showing,
  unreadable,
} from '../messages.ts'
import { once } from '../../core/once.ts'
import { classify, nameOf } from './client.ts'
import { costOf, MARKED } from './costs.ts'
import type { SlackSendDeps, Thread } from './deps.ts'
import { actions, openForm, type Part, rendered, showHome, unfurl, upload } from './show.ts'
import { markRequest, sign } from './marks.ts'
import { sizeOf } from './render.ts'
import { whisper } from './whisper.ts'

/** How a message carries its marker: out of sight, and only an app can set it. */
const EVENT_TYPE = 'muster_effect'
const MAX_PAGES = 20

/** Sends what is seen in Slack. */
export function slackSender(deps: SlackSendDeps): Sender {
  const self = once(() => deps.client.auth.test())
  const markers =
    (surface: Thread, { since }: SendContext) =>
    async () =>
      ownMessages(deps, await self(), surface, since)
  return {
    costOf,
    lookUp: (body, context) =>
      guarded(async () => {
        const own = ours(body)
        if (!MARKED.has(own.kind) || isAside(own.surface)) return undefined
        return foundIn(
          await markers(own.surface, context)(),
          own,
          context.marker,
          sizeOf,
          deps.reading,
          showing(context),
        )
      }),
    send: (body, context) => guarded(() => sendOne(deps, ours(body), context, markers)),
  }
}

async function sendOne(
  deps: SlackSendDeps,
  own: SurfaceBody & { readonly surface: Thread },
  context: SendContext,
  markers: (surface: Thread, context: SendContext) => () => Promise<Markers>,
): Promise<EffectResult> {
  const { surface } = own
  switch (own.kind) {
    case 'seen':
      return sign(deps, surface, own.messageId, own.mark ?? 'eyes', context)
    case 'mark.upsert':
      return markRequest(deps, surface, own.messageId, context)
    case 'whisper':
      return whisper(deps, surface, own.member, own.document, [], context)
    case 'card.upsert':
      return card(deps, surface, context)
    case 'message':
      return isAside(surface)
        ? whisper(deps, surface, asideOf(surface), own.document, own.buttons, context)
        : message(deps, { ...own, surface }, context, markers(surface, context))
    case 'message.upsert':
      return rewrite(deps, { ...own, surface }, context, markers(surface, context))
    case 'chart':
      return chart(deps, { ...own, surface }, context, markers(surface, context))
    case 'form':
      return openForm(deps, surface, own.trigger, own.form, context)
    case 'home':
      return showHome(deps, own.member, own.document, context)
    case 'unfurl':
      return unfurl(deps, surface, own, context)
    case 'ticket.move':
    case 'ticket.split':
    case 'ticket.link':
      throw new SendError('fatal', `${own.kind} is not for Slack`)
    default:
      return unreadable(own)
  }
}

/** Who said a command that stands in no thread. */
function asideOf({ thread }: Thread): string {
  return thread.split(':')[1] ?? ''
}

function ours(body: EffectBody): SurfaceBody & { readonly surface: Thread } {
  if ('surface' in body && body.surface.channel === 'slack') return { ...body, surface: body.surface }
  throw new SendError('fatal', `${body.kind} is not for Slack`)
}

/** A picture with its words; where Slack takes no file for good, the words alone. */
async function chart(
  deps: SlackSendDeps,
  body: Extract<SurfaceBody, { kind: 'chart' }> & { readonly surface: Thread },
  context: SendContext,
  own: () => Promise<Markers>,
): Promise<EffectResult> {
  try {
    return await upload(deps, body.surface, body, context)
  } catch (error) {
    const known = error instanceof Error && error.name === 'Lost' ? error : classify(error)
    const { document, place, surface } = body
    if (!(known instanceof SendError) || known.kind !== 'fatal' || known.trouble || !document) throw known
    const ref = (await own()).get(context.marker)
    return ref === undefined
      ? message(deps, { kind: 'message', place, surface, document, buttons: [] }, context, own)
      : { ref }
  }
}

/** Slack folds nothing: what is folded elsewhere is read there. */
function showing({ called }: SendContext): Showing {
  return { called, unfolds: true }
}

/** The status card of a thread: posted once, then edited in place. */
async function card(deps: SlackSendDeps, surface: Thread, context: SendContext): Promise<EffectResult> {
  const { task, now, previous, marker, mayLeave } = context
  if (!task) throw new SendError('fatal', 'the task is gone')
  const [part = { blocks: [], text: '' }] = rendered(deps, [firstPart(surfaceCard(task, now), sizeOf, deps.reading)])
  const blocks = [...part.blocks, ...actions(buttonsOf(task))]
  const ts = previous?.ref
  if (ts === undefined) return { ref: await postTo(deps, surface, { ...part, blocks }, marker, mayLeave) }
  mayLeave()
  const { room: channel } = surface
  const metadata = metadataOf(marker)
  await unlessDeleted(() => deps.client.chat.update({ channel, ts, text: part.text, blocks, metadata }))
  return { ref: ts }
}

/** A message; one that is too long becomes several. The buttons hang on the last. */
function message(
  deps: SlackSendDeps,
  body: Extract<SurfaceBody, { kind: 'message' }> & { readonly surface: Thread },
  context: SendContext,
  own: () => Promise<Markers>,
): Promise<EffectResult> {
  const { marker, mayLeave } = context
  return sendParts(partsOf(body, sizeOf, deps.reading, showing(context)), marker, own, poster(deps, body, mayLeave))
}

function poster(
  deps: SlackSendDeps,
  { surface, buttons }: { readonly surface: Thread; readonly buttons: readonly Button[] },
  mayLeave: () => void,
) {
  return async (document: RichDocument, name: string, last: boolean, index: number): Promise<string> => {
    const [part = { blocks: [], text: '' }] = rendered(deps, [document])
    if (index > 0) await deps.pause()
    const blocks = last ? [...part.blocks, ...actions(buttons)] : part.blocks
    return postTo(deps, surface, { ...part, blocks }, name, mayLeave)
  }
}

/** Changes what stands there: what was decided is shown, and its buttons go. */
function rewrite(
  deps: SlackSendDeps,
  body: Extract<SurfaceBody, { kind: 'message.upsert' }> & { readonly surface: Thread },
  context: SendContext,
  own: () => Promise<Markers>,
): Promise<EffectResult> {
  const { room: channel } = body.surface
  const { marker, mayLeave, previous } = context
  return rewriteParts(partsOf(body, sizeOf, deps.reading, showing(context)), marker, previous, own, {
    post: poster(deps, body, mayLeave),
    async edit(ts, document, name) {
      const [part = { blocks: [], text: '' }] = rendered(deps, [document])
      mayLeave()
      await unlessDeleted(() => deps.client.chat.update({ channel, ts, ...part, metadata: metadataOf(name) }))
    },
    async remove(ts) {
      mayLeave()
      await unlessDeleted(() => deps.client.chat.delete({ channel, ts }))
    },
  })
}

/** What somebody deleted is not posted again: that was a person's wish. */
async function unlessDeleted(change: () => Promise<unknown>): Promise<void> {
  try {
    await change()
  } catch (error) {
    if (nameOf(error) !== 'message_not_found') throw error
  }
}

async function postTo(
  { client }: SlackSendDeps,
  { room, thread }: Thread,
  { blocks, text }: Part,
  marker: string,
  mayLeave: () => void,
): Promise<string> {
  mayLeave()
  const { ts } = await client.chat.postMessage({
    channel: room,
    thread_ts: thread,
    text,
    blocks,
    metadata: metadataOf(marker),
    unfurl_links: false,
    unfurl_media: false,
  })
  return ts ?? ''
}

function metadataOf(marker: string) {
  return { event_type: EVENT_TYPE, event_payload: { marker } }
}

/** Our own messages in a thread since then, by their markers. Others could copy the words, but not write them as our app. */
async function ownMessages(
  { client }: SlackSendDeps,
  self: { user_id?: string | undefined; bot_id?: string | undefined },
  { room, thread }: Thread,
  since: number,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await client.conversations.replies({
      channel: room,
      ts: thread,
      limit: 200,
      oldest: String(clockFloor(since) / 1000),
      include_all_metadata: true,
      ...(cursor ? { cursor } : {}),
    })
    for (const one of answer.messages ?? []) {
      const payload: unknown = one.metadata?.event_type === EVENT_TYPE ? one.metadata.event_payload : undefined
      const marker: unknown =
        typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'marker') : undefined
      const mine = one.bot_id !== undefined && (one.bot_id === self.bot_id || one.user === self.user_id)
      if (mine && typeof marker === 'string' && one.ts) found.set(marker, one.ts)
    }
    cursor = answer.response_metadata?.next_cursor
    if (!cursor) break
  }
  return found
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof SendError || !(error instanceof Error) || error.name === 'Lost' ? error : classify(error)
  }
}
