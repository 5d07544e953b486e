import { whyReply } from '../core/reply/answers.ts'
import { acknowledge, decideOnly, reply } from './replies.ts'
import type { InboxDeps, Scene } from './scene.ts'

const WHY_ROWS = 12
/** So many are looked through for them. */
const LOOKED_AT = 60
/** What Muster or another bot wrote is nobody's question. */
const OF_BOTS = new Set(['own_text', 'bot_sender'])

/** `why`: what became of the latest events of this conversation. */
export async function why(deps: InboxDeps, scene: Scene, commentId: number | undefined): Promise<void> {
  const { items } = await deps.store.inbox.list(
    { conversation: scene.conversationId },
    { limit: LOOKED_AT, cursor: undefined },
  )
  const ofPeople = items.filter(({ decision }) => !OF_BOTS.has(decision?.reason ?? '')).slice(0, WHY_ROWS)
  const rows = ofPeople.map((item) => ({
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
