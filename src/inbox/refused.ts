import { SendError } from '../channels/types.ts'
import { publicMessage, UserError } from '../core/errors.ts'
import { noteReply } from '../core/reply/answers.ts'
import { channelNamed, type SaidWhat, surfaceKey } from '../core/said.ts'
import type { StoredInbound } from '../store/types.ts'
import { NOWHERE } from './replies.ts'
import type { InboxDeps } from './scene.ts'

/**
 * Whether an event can never be handled: a platform refuses what it needs for good. Where Muster's own token is refused, the operator
 * can mend that, and nothing is lost until then.
 */
export function isFinal(error: unknown): boolean {
  return (
    error instanceof UserError || (error instanceof SendError && error.kind === 'fatal' && error.trouble !== 'token')
  )
}

/** What somebody reads of it. */
export function refusalText(error: unknown): string {
  // Hints are for whoever runs Muster.
  return error instanceof SendError
    ? `${error.message}.`
    : error instanceof UserError
      ? error.message
      : publicMessage(error)
}

/** Nobody who only talks is answered. */
function isAddressed(what: SaidWhat): boolean {
  if (what.type === 'text') return what.mentioned || /(?:^|\s)[@/]muster\b/i.test(what.text)
  return what.type === 'button' || what.type === 'chosen' || what.type === 'form' || what.type === 'assigned'
}

/** One word to whoever asked, where that can be told: nobody waits for what never comes. */
export async function sayRefused(
  deps: InboxDeps,
  { event, body, account, parts }: StoredInbound,
  detail: string,
): Promise<void> {
  const channel = channelNamed(event.source)
  const said = channel && (await deps.readers[channel]?.(body, account))
  if (!said || 'ignored' in said || said.by.id === '' || !isAddressed(said.what)) return
  const { surface, by } = said
  const conversationId = await deps.store.conversations.at(surfaceKey(surface))
  const document = noteReply(`${parts.length > 0 ? 'The rest was not done' : 'Nothing was done'}: ${detail}`)
  await deps.store.effects.add(conversationId, conversationId, undefined, [
    {
      key: `refused:${event.id}`,
      body: { kind: 'whisper', place: NOWHERE, surface, member: by.id, name: by.name, document },
    },
  ])
  deps.kick()
}
