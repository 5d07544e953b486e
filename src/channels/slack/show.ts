import { createHash } from 'node:crypto'
import type { KnownBlock } from '@slack/types'
import type { Button, EffectResult, Form, SurfaceBody } from '../../core/effects.ts'
import { harmless } from '../../core/harmless.ts'
import type { Document } from '../../core/reply/document.ts'
import { titleOf } from '../../core/reply/foreign.ts'
import { shown as shownAs } from '../../core/reply/read.ts'
import { plainText, type Rich, type RichDocument, text } from '../../core/reply/rich.ts'
import { splitDocument, tableAsList } from '../../core/reply/split.ts'
import { withTexts } from '../../core/reply/texts.ts'
import { clockFloor, firstPart } from '../messages.ts'
import { type SendContext, SendError } from '../types.ts'
import { chartPng } from './chart.ts'
import { nameOf } from './client.ts'
import { renderBlocks, sizeOf } from './render.ts'
import type { SlackSendDeps, Thread } from './deps.ts'
import { homeOf, modalOf } from './views.ts'

/** What Slack shows beside messages: pictures, forms, the home tab, previews of addresses. */

/** One message: its blocks, and the line that a notification shows. */
export interface Part {
  readonly blocks: KnownBlock[]
  readonly text: string
}

/** Blocks, and the line that a notification shows, which Slack reads as its own markup: so what could mean something there is escaped. */
export function rendered({ reading: { redact } }: SlackSendDeps, parts: readonly RichDocument[]): Part[] {
  return parts.map((whole) => {
    const part = withTexts(whole, redact)
    const first = part.find((block) => block.kind === 'ask' || block.kind === 'heading' || block.kind === 'paragraph')
    const line = first && 'children' in first ? plainText(first.children) : 'Muster'
    return { blocks: renderBlocks(part), text: escaped(harmless(line)).slice(0, 300) }
  })
}

function escaped(line: string): string {
  return line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Buttons as a row of blocks; none where there are none. */
export function actions(buttons: readonly Button[]): KnownBlock[] {
  if (buttons.length === 0) return []
  return [
    {
      type: 'actions',
      elements: buttons.map((button, index) => ({
        type: 'button',
        // Of several of a kind each has a name of its own.
        action_id: button.action === 'repository' ? `muster:repository:${index}` : `muster:${button.action}`,
        text: { type: 'plain_text', text: button.label.slice(0, 75) },
        value: button.value.slice(0, 2000),
        ...(button.style === 'plain' ? {} : { style: button.style }),
      })),
    },
  ]
}

/** A form can be opened for three seconds after it was asked for; later the thread is there all the same. */
export async function openForm(
  { client, reading }: SlackSendDeps,
  surface: Thread,
  trigger: string,
  form: Form,
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  mayLeave()
  try {
    const { view } = await client.views.open({ trigger_id: trigger, view: modalOf(form, surface, reading) })
    return { ref: view?.id }
  } catch (error) {
    if (/trigger/.test(nameOf(error))) return {}
    throw error
  }
}

/** Muster's tab of one person. */
export async function showHome(
  deps: SlackSendDeps,
  member: string,
  document: Document,
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const blocks = rendered(
    deps,
    shownAs(document, deps.reading, (rich) => splitDocument(rich, sizeOf)),
  ).flatMap((part) => part.blocks)
  mayLeave()
  await deps.client.views.publish({ user_id: member, view: homeOf(blocks) })
  return {}
}

/** Previews below the message that shares addresses; gone messages need none. */
export async function unfurl(
  deps: SlackSendDeps,
  { room }: Thread,
  { messageId, shown }: Extract<SurfaceBody, { kind: 'unfurl' }>,
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const previews = shown.map(({ url, document }) => {
    const [part = { blocks: [], text: '' }] = rendered(deps, [firstPart(document, sizeOf, deps.reading)])
    return [url, { blocks: part.blocks }] as const
  })
  mayLeave()
  try {
    await deps.client.chat.unfurl({ channel: room, ts: messageId, unfurls: Object.fromEntries(previews) })
  } catch (error) {
    // The message was deleted, or shows its preview already.
    if (!/^cannot_(unfurl|find)|message_not_found/.test(nameOf(error))) throw error
  }
  return {}
}

/** A picture in the thread, and the words that it belongs to, as one message. It carries no marker; the picture's name does. */
export async function upload(
  deps: SlackSendDeps,
  { room, thread }: Thread,
  { title, series, document = [] }: Extract<SurfaceBody, { kind: 'chart' }>,
  { marker, since, mayLeave }: SendContext,
): Promise<EffectResult> {
  const { client } = deps
  const filename = fileNameOf(marker)
  const oldest = String(clockFloor(since) / 1000)
  const { messages = [] } = await client.conversations.replies({ channel: room, ts: thread, oldest, limit: 200 })
  const there = messages.flatMap((one) => one.files ?? []).find(({ name }) => name === filename)
  if (there) return { ref: there.id }
  const png = chartPng(titleOf(title, 200, deps.reading), series)
  const { upload_url: url, file_id: id } = await client.files.getUploadURLExternal({ filename, length: png.length })
  if (!url || !id) throw new SendError('unknown', 'Slack gave no place for the picture')
  const sent = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(png),
    signal: AbortSignal.timeout(20_000),
  })
  if (!sent.ok) throw new SendError('retry', `Slack answered ${sent.status} to the picture`)
  mayLeave()
  await client.files.completeUploadExternal({
    files: [{ id, title: titleOf(title, 200, deps.reading) }],
    channel_id: room,
    thread_ts: thread,
    ...wordsAbove(deps, document),
  })
  return { ref: id }
}

/** Beside a file Slack is known to take rich text: headings and tables are told as that. */
function wordsAbove(deps: SlackSendDeps, document: Document): { blocks: KnownBlock[] } | Record<string, never> {
  if (document.length === 0) return {}
  const plain = firstPart(document, sizeOf, deps.reading).flatMap((block): Rich[] => {
    if (block.kind === 'heading')
      return [{ kind: 'paragraph', children: [{ kind: 'strong', children: block.children }] }]
    return block.kind === 'table' ? tableAsList(block).map(onOneLine) : [block]
  })
  const [part] = rendered(deps, [plain])
  return part ? { blocks: part.blocks } : {}
}

/** A row is one line. */
function onOneLine(block: Rich): Rich {
  if (block.kind !== 'list') return block
  const lined = (one: Rich): Rich =>
    one.kind === 'paragraph'
      ? { ...one, children: one.children.map((child) => (child.kind === 'break' ? text(' · ') : child)) }
      : one
  return { ...block, items: block.items.map((item) => ({ ...item, blocks: item.blocks.map(lined) })) }
}

function fileNameOf(marker: string): string {
  return `watch-${createHash('sha256').update(marker).digest('hex').slice(0, 12)}.png`
}
