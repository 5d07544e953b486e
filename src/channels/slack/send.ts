import type { KnownBlock } from '@slack/types'
import type { WebClient } from '@slack/web-api'
import type { Button, EffectBody, EffectResult, SurfaceBody } from '../../core/effects.ts'
import { surfaceCard } from '../../core/reply/card.ts'
import { buttonsOf } from '../../core/reply/buttons.ts'
import { richOf } from '../../core/reply/read.ts'
import { plainText, type RichDocument } from '../../core/reply/rich.ts'
import type { Surface } from '../../core/said.ts'
import { withTexts } from '../../core/reply/texts.ts'
import { splitDocument } from '../../core/reply/split.ts'
import { type SendContext, SendError, type Sender } from '../types.ts'
import { foundIn, type Markers, partsOf, sendParts } from '../messages.ts'
import { once } from '../once.ts'
import { classify, nameOf } from './client.ts'
import { renderBlocks, sizeOf } from './render.ts'

export interface SlackSendDeps {
  readonly client: WebClient
  readonly redact: (text: string) => string
  /** Between the parts of one message: Slack takes one a second in a channel. */
  readonly pause: () => Promise<void>
}

type Thread = Extract<Surface, { channel: 'slack' }>
interface Part {
  readonly blocks: KnownBlock[]
  readonly text: string
}

/** How a message carries its marker: out of sight, and only an app can set it. */
const EVENT_TYPE = 'muster_effect'
const MAX_PAGES = 20

/** Sends what is seen in Slack. */
export function slackSender(deps: SlackSendDeps): Sender {
  const self = once(() => deps.client.auth.test())
  return {
    costOf: (body, previous) =>
      body.kind === 'seen' || previous?.ref !== undefined
        ? { edit: 1 }
        : { post: body.kind === 'message' ? partsOf(body, sizeOf).length : 1 },
    lookUp: (body, context) =>
      guarded(async () => {
        const own = ours(body)
        // What only one person sees cannot be looked up; seen twice it does no harm.
        if (own.kind === 'seen' || own.kind === 'whisper') return undefined
        return foundIn(await ownMessages(deps, await self(), own.surface), own, context.marker, sizeOf)
      }),
    send: (body, context) =>
      guarded(async () => {
        const own = ours(body)
        if (own.kind === 'seen') return seen(deps, own.surface, own.messageId, context)
        if (own.kind === 'whisper') return whisper(deps, own, context)
        if (own.kind === 'card.upsert') return card(deps, own.surface, context)
        if (own.kind !== 'message') throw new SendError('fatal', `${own.kind} is not for Slack`)
        return message(deps, own, context, async () => ownMessages(deps, await self(), own.surface))
      }),
  }
}

function ours(body: EffectBody): SurfaceBody & { readonly surface: Thread } {
  if ('surface' in body && body.surface.channel === 'slack') return { ...body, surface: body.surface }
  throw new SendError('fatal', `${body.kind} is not for Slack`)
}

/** 👀, which Slack keeps once. */
async function seen({ client }: SlackSendDeps, surface: Thread, timestamp: string, { mayLeave }: SendContext) {
  if (!timestamp) return {}
  mayLeave()
  try {
    await client.reactions.add({ channel: surface.room, timestamp, name: 'eyes' })
  } catch (error) {
    if (nameOf(error) !== 'already_reacted' && nameOf(error) !== 'message_not_found') throw error
  }
  return { ref: timestamp }
}

async function whisper(
  deps: SlackSendDeps,
  { surface, member, document }: Extract<SurfaceBody, { kind: 'whisper' }> & { readonly surface: Thread },
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const [part] = rendered(deps, splitDocument(richOf(document), sizeOf))
  if (!part) return {}
  mayLeave()
  const { message_ts: ref } = await deps.client.chat.postEphemeral({
    channel: surface.room,
    user: member,
    thread_ts: surface.thread,
    ...part,
  })
  return { ref }
}

/** The status card of a thread: posted once, then edited in place. */
async function card(deps: SlackSendDeps, surface: Thread, context: SendContext): Promise<EffectResult> {
  const { task, now, previous, marker, mayLeave } = context
  if (!task) throw new SendError('fatal', 'the task is gone')
  const [part = { blocks: [], text: '' }] = rendered(deps, splitDocument(richOf(surfaceCard(task, now)), sizeOf))
  const blocks = [...part.blocks, ...actions(buttonsOf(task))]
  if (previous?.ref === undefined) return postTo(deps, surface, { ...part, blocks }, marker, mayLeave)
  mayLeave()
  try {
    await deps.client.chat.update({
      channel: surface.room,
      ts: previous.ref,
      text: part.text,
      blocks,
      metadata: metadataOf(marker),
    })
  } catch (error) {
    // A card that somebody deleted is not posted again: that was a person's wish.
    if (nameOf(error) !== 'message_not_found') throw error
  }
  return previous
}

/** A message; one that is too long becomes several. The buttons hang on the last. */
function message(
  deps: SlackSendDeps,
  body: Extract<SurfaceBody, { kind: 'message' }> & { readonly surface: Thread },
  { marker, mayLeave }: SendContext,
  own: () => Promise<Markers>,
): Promise<EffectResult> {
  return sendParts(partsOf(body, sizeOf), marker, own, async (document, name, last, index) => {
    const [part = { blocks: [], text: '' }] = rendered(deps, [document])
    if (index > 0) await deps.pause()
    const blocks = last ? [...part.blocks, ...actions(body.buttons)] : part.blocks
    return postTo(deps, body.surface, { ...part, blocks }, name, mayLeave)
  })
}

async function postTo(
  { client }: SlackSendDeps,
  { room, thread }: Thread,
  { blocks, text }: Part,
  marker: string,
  mayLeave: () => void,
): Promise<EffectResult> {
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
  return { ref: ts }
}

function metadataOf(marker: string) {
  return { event_type: EVENT_TYPE, event_payload: { marker } }
}

/** Blocks, and the line that a notification shows, which Slack reads as its own markup: so what could mean something there is escaped. */
function rendered({ redact }: SlackSendDeps, parts: readonly RichDocument[]): Part[] {
  return parts.map((whole) => {
    const part = withTexts(whole, redact)
    const first = part.find((block) => block.kind === 'ask' || block.kind === 'heading' || block.kind === 'paragraph')
    const line = first && 'children' in first ? plainText(first.children) : 'Muster'
    return { blocks: renderBlocks(part), text: escaped(line).slice(0, 300) }
  })
}

function escaped(line: string): string {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('@', '@\u200b')
}

function actions(buttons: readonly Button[]): KnownBlock[] {
  if (buttons.length === 0) return []
  return [
    {
      type: 'actions',
      elements: buttons.map((button) => ({
        type: 'button',
        action_id: `muster:${button.action}`,
        text: { type: 'plain_text', text: button.label.slice(0, 75) },
        value: button.value.slice(0, 2000),
        ...(button.style === 'plain' ? {} : { style: button.style }),
      })),
    },
  ]
}

/** Our own messages in a thread, by their markers. Others could copy the words, but not write them as our app. */
async function ownMessages(
  { client }: SlackSendDeps,
  self: { user_id?: string | undefined; bot_id?: string | undefined },
  { room, thread }: Thread,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await client.conversations.replies({
      channel: room,
      ts: thread,
      limit: 200,
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
