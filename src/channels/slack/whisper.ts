import type { Button, EffectResult } from '../../core/effects.ts'
import type { Document } from '../../core/reply/document.ts'
import { shown } from '../../core/reply/read.ts'
import { numbered, splitDocument } from '../../core/reply/split.ts'
import { isAside } from '../../core/said.ts'
import { type SendContext, SendError } from '../types.ts'
import { isClosed } from './client.ts'
import type { SlackSendDeps, Thread } from './deps.ts'
import { sizeOf } from './render.ts'
import { actions, type Part, rendered } from './show.ts'

/** Where answers to commands are taken (https://docs.slack.dev/interactivity/handling-user-interaction). */
const HOOKS = 'https://hooks.slack.com'
const PATIENCE_MS = 20_000

/**
 * What only one person sees, for as long as they look. It cannot be looked up: whoever tries again shows it again, which does
 * no harm. Commands are heard everywhere: where Muster is not, they are answered at the address that came with them.
 */
export async function whisper(
  deps: SlackSendDeps,
  surface: Thread,
  member: string,
  document: Document,
  buttons: readonly Button[],
  { mayLeave }: SendContext,
): Promise<EffectResult> {
  const parts = rendered(
    deps,
    shown(document, deps.reading, (rich) => numbered(splitDocument(rich, sizeOf))),
  )
  let ref: string | undefined
  for (const [index, part] of parts.entries()) {
    const blocks = index === parts.length - 1 ? [...part.blocks, ...actions(buttons)] : part.blocks
    if (index > 0) await deps.pause()
    mayLeave()
    ref = await show(deps, surface, member, { ...part, blocks })
  }
  return { ref }
}

async function show({ client }: SlackSendDeps, surface: Thread, user: string, part: Part): Promise<string | undefined> {
  const { respond } = surface
  try {
    const { message_ts: ref } = await client.chat.postEphemeral({
      channel: surface.room,
      user,
      ...(isAside(surface) ? {} : { thread_ts: surface.thread }),
      text: part.text,
      blocks: part.blocks,
    })
    return ref
  } catch (error) {
    if (!isClosed(error) || !respond || !isSlacks(respond, client.slackApiUrl)) throw error
    await answer(respond, part)
    return undefined
  }
}

/** Nothing is sent anywhere but to Slack, whatever an event says. */
function isSlacks(address: string, apiUrl: string): boolean {
  return URL.canParse(address) && [HOOKS, new URL(apiUrl).origin].includes(new URL(address).origin)
}

/** Slack takes five answers to a command, within half an hour. */
async function answer(address: string, { text, blocks }: Part): Promise<void> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ response_type: 'ephemeral', replace_original: false, text, blocks }),
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  if (response.ok) return
  const seconds = Number(response.headers.get('retry-after') ?? 1)
  if (response.status === 429)
    throw new SendError('retry', 'Slack asks to wait', { retryAfterMs: Math.max(1, seconds || 1) * 1000 })
  throw new SendError(
    response.status >= 500 ? 'unknown' : 'fatal',
    `Slack took no answer to a command (${response.status})`,
  )
}
