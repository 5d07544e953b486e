import type { InboundEvent } from '../core/inbound.ts'
import type { Heard } from '../core/heard.ts'
import { whyReply, type WhyRow } from '../core/reply/answers.ts'
import { type Document, paragraph, say } from '../core/reply/document.ts'
import { gatesTable } from '../core/reply/turn.ts'
import { channelNamed, titleOf, surfaceKey } from '../core/said.ts'
import { acknowledge, decideOnly, reply } from './replies.ts'
import type { InboxDeps, Scene } from './scene.ts'

const WHY_ROWS = 12
/** So many are looked through for them. */
const LOOKED_AT = 60
/** What Muster or another bot wrote, and what a platform told twice, is nobody's question. */
const NOBODYS = new Set(['own_text', 'bot_sender', 'delivery_seen'])

/** `why`: what became of the latest events of this conversation, whose they were and where they stand. */
export async function why(deps: InboxDeps, scene: Scene, commentId: number | undefined): Promise<void> {
  const { items } = await deps.store.inbox.list(
    { conversation: scene.conversationId },
    { limit: LOOKED_AT, cursor: undefined },
  )
  const ofPeople = items
    .filter(({ id, decision }) => id !== scene.eventId && !NOBODYS.has(decision?.reason ?? ''))
    .slice(0, WHY_ROWS)
  const rows: WhyRow[] = []
  for (const item of ofPeople)
    rows.push({
      at: item.receivedAt.getTime(),
      ...(await whoseIs(deps, scene, item)),
      outcome: item.decision?.outcome ?? 'open',
      reason: item.decision?.reason ?? '',
      detail: item.decision?.detail ?? '',
    })
  if (commentId !== undefined) await acknowledge(deps, scene, { on: 'comment', id: commentId })
  await reply(deps, scene, [...whyReply(rows), ...gatesOf(scene)])
  await decideOnly(deps, scene, { outcome: 'accepted', reason: 'why', detail: '' })
}

/** What the gates of the last deploy said, when they were asked last. */
function gatesOf({ task }: Scene): Document {
  const release = task?.releases.at(-1)
  const gates = release?.deployed?.gates ?? release?.gated ?? release?.plan?.gates ?? []
  return release && gates.length > 0
    ? [paragraph(say`The gates of the deploy to ${release.environment}:`), ...gatesTable(gates)]
    : []
}

type Whose = Pick<WhyRow, 'who' | 'what' | 'url'>

/** Who said what, as far as the event still tells: its body may be gone. */
async function whoseIs(deps: InboxDeps, { heard: asked }: Scene, { id, kind, source }: InboundEvent): Promise<Whose> {
  const nobody: Whose = { who: '', what: kind.replaceAll(/[._]/g, ' '), url: undefined }
  const stored = await deps.store.inbox.get(id)
  if (!stored) return nobody
  const channel = channelNamed(source)
  if (!channel) {
    const heard = source === 'github' ? deps.receiver.read(kind.split('.', 1).join(), stored.body) : undefined
    return heard && 'what' in heard ? ofHeard(heard, nobody) : nobody
  }
  const said = await deps.readers[channel]?.(stored.body, stored.account).catch(() => undefined)
  if (!said || 'ignored' in said) return nobody
  const { what, by, surface } = said
  // What is said in one place is not repeated in another, where others read.
  const isHere = asked.elsewhere !== undefined && surfaceKey(asked.elsewhere.surface) === surfaceKey(surface)
  const named = async (text: string) => (await deps.facts[channel]?.named?.(surface, text)) ?? text
  const who = by.name === by.id ? (await named(`@${by.id}`)).slice(1) : by.name
  if (!isHere) return { who, what: `said in ${titleOf(channel)}`, url: surface.url }
  if (what.type === 'button') return { who, what: `pressed ${what.action}`, url: surface.url }
  return { who, what: what.type === 'text' ? await named(what.text) : nobody.what, url: surface.url }
}

function ofHeard({ sender, what }: Heard, nobody: Whose): Whose {
  if (!('subject' in what)) return { ...nobody, who: sender.login }
  const { url } = what.subject
  if (what.type !== 'text') return { who: sender.login, what: nobody.what, url }
  const { commentId, text } = what
  return { who: sender.login, what: text, url: commentId === undefined ? url : `${url}#issuecomment-${commentId}` }
}
