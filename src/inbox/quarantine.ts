import { noteReply } from '../core/reply/answers.ts'
import { comment } from '../core/task/places.ts'
import type { StoredInbound } from '../store/types.ts'
import type { InboxDeps } from './scene.ts'

/** An event that ended the process several times is not handled any more: the operator finds it among the dead letters, and its conversation is told. */
export async function quarantine(deps: InboxDeps, { event, lane }: StoredInbound, crashes: number): Promise<void> {
  deps.log('error', 'an event is quarantined: processes ended while they handled it', { event: event.id, crashes })
  const conversationId = lane ? await deps.store.conversations.find(lane) : undefined
  const task = conversationId ? await deps.store.tasks.latest(conversationId) : undefined
  if (conversationId && task) {
    const document = noteReply(
      `Something that was said here ended Muster's process ${crashes} times in a row, so it was set aside. The operator finds it with \`muster dead list\`.`,
    )
    await deps.store.effects.add(
      conversationId,
      conversationId,
      undefined,
      comment(task, `quarantine:${event.id}`, document),
    )
    deps.kick()
  }
  const detail = `processes ended ${crashes} times while they handled it`
  await deps.store.inbox.decide(event.id, { outcome: 'refused', reason: 'quarantined', detail }, { conversationId })
}
