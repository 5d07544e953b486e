import type { KnownBlock } from '@slack/types'
import type { Button, EffectResult } from '../../core/effects.ts'
import type { Document } from '../../core/reply/document.ts'
import { richOf } from '../../core/reply/read.ts'
import { splitDocument } from '../../core/reply/split.ts'
import { isAside, type Surface } from '../../core/said.ts'
import type { SendContext } from '../types.ts'
import { isClosed } from './client.ts'
import type { SlackSendDeps } from './deps.ts'
import { sizeOf } from './render.ts'
import { actions, type Part, rendered } from './show.ts'

type Thread = Extract<Surface, { channel: 'slack' }>

/**
 * What only one person sees. Where Muster is not in the channel (commands are heard everywhere) it cannot be shown there: then
 * they get it as a direct message, which says why and carries no buttons, since what they choose belongs to the channel.
 */
export async function whisper(
  deps: SlackSendDeps,
  surface: Thread,
  member: string,
  document: Document,
  buttons: readonly Button[],
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const parts = rendered(deps, splitDocument(richOf(document), sizeOf))
  let ref: string | undefined
  for (const [index, part] of parts.entries()) {
    const blocks = index === parts.length - 1 ? [...part.blocks, ...actions(buttons)] : part.blocks
    if (index > 0) await deps.pause()
    mayLeave()
    try {
      ref = await aside(deps, surface, member, { ...part, blocks })
    } catch (error) {
      if (index > 0 || !isClosed(error)) throw error
      return directly(deps, surface.room, member, parts, mayLeave)
    }
  }
  return { ref }
}

async function aside({ client }: SlackSendDeps, surface: Thread, user: string, { text, blocks }: Part) {
  const { message_ts: ref } = await client.chat.postEphemeral({
    channel: surface.room,
    user,
    ...(isAside(surface) ? {} : { thread_ts: surface.thread }),
    text,
    blocks,
  })
  return ref
}

/** A message to somebody's own id arrives in Muster's conversation with them. */
async function directly(
  { client, pause }: SlackSendDeps,
  room: string,
  member: string,
  parts: readonly Part[],
  mayLeave: () => void,
): Promise<EffectResult> {
  let ref: string | undefined
  for (const [index, { text, blocks }] of parts.entries()) {
    if (index > 0) await pause()
    mayLeave()
    const said = index === 0 ? [absent(room), ...blocks] : blocks
    const { ts } = await client.chat.postMessage({ channel: member, text, blocks: said, unfurl_links: false })
    ref ??= ts
  }
  return { ref }
}

function absent(channel: string): KnownBlock {
  return {
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_section',
        elements: [
          { type: 'text', text: 'I am not in ' },
          { type: 'channel', channel_id: channel },
          { type: 'text', text: ', so I answer here. Somebody can invite me there: ' },
          { type: 'text', text: '/invite @muster', style: { code: true } },
        ],
      },
    ],
  }
}
