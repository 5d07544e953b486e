import { whyReply } from '../core/reply/answers.ts'
import { acknowledge, decideOnly, reply } from './replies.ts'
import type { InboxDeps, Scene } from './scene.ts'

const WHY_ROWS = 12

/** `why`: what became of the latest events of this conversation. */
export async function why(deps: InboxDeps, scene: Scene, commentId: number | undefined): Promise<void> {
  const { items } = await deps.store.inbox.list(
    { conversation: scene.conversationId },
    { limit: WHY_ROWS, cursor: undefined },
  )
  const rows = items.map((item) => ({
    at: item.receivedAt.getTime(),
    kind: item.kind,
    outcome: item.decision?.outcome ?? 'open',
    reason: item.decision?.reason ?? '',
    detail: item.decision?.detail ?? '',
  }))
  if (commentId !== undefined) await acknowledge(deps, scene, { on: 'comment', id: commentId })
  await reply(deps, scene, whyReply(rows))
  await decideOnly(deps, scene, { outcome: 'accepted', reason: 'why', detail: '' })
}
