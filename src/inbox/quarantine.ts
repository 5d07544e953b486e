import { wholeDecision } from '../core/inbound.ts'
import { noteReply } from '../core/reply/answers.ts'
import { mono, say } from '../core/reply/words.ts'
import { comment } from '../core/showing/places.ts'
import type { StoredInbound } from '../store/types.ts'
import type { InboxDeps } from './scene.ts'

/** An event that ends the process that handles it is not handled any more: the operator finds it among the dead letters, and its conversation is told. */
export async function quarantine(deps: InboxDeps, { event, ...seen }: StoredInbound): Promise<void> {
  // Its lane may have been found out only by the process that it ended.
  const now = await deps.store.inbox.get(event.id)
  const lane = now?.lane ?? seen.lane
  deps.log('error', 'an event is quarantined: it ended its own process', { event: event.id })
  const conversationId = lane ? await deps.store.conversations.find(lane) : undefined
  const task = conversationId ? await deps.store.tasks.latest(conversationId) : undefined
  if (conversationId && task) {
    const document = noteReply(
      say`Something that was said here ends Muster's process each time it is read, so it was set aside. The operator finds it with ${mono('muster dead list')}.`,
    )
    await deps.store.effects.add(
      conversationId,
      conversationId,
      undefined,
      comment(task, `quarantine:${event.id}`, document),
    )
    deps.kick()
  }
  const { reason, ...what } = {
    outcome: 'refused',
    reason: 'quarantined',
    detail: 'it ends the process that handles it',
  } as const
  const { detail } = wholeDecision(now?.parts ?? seen.parts, { ...what, reason })
  await deps.store.inbox.decide(event.id, { outcome: 'refused', reason, detail }, { conversationId })
}
