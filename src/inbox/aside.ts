import type { SurfaceBody } from '../core/effects.ts'
import type { Heard } from '../core/heard.ts'
import { chooseRepository, helpReply, limitedReply, noteReply } from '../core/reply/answers.ts'
import type { Document } from '../core/reply/document.ts'
import { type Names, OPENING, toldBy } from '../core/routing.ts'
import { isAside, memberKey, type Said, surfaceKey } from '../core/said.ts'
import type { Decision } from '../core/task/commands.ts'
import { mayAskOnly, mayRead, mayWrite } from './authority.ts'
import { PERSON } from './rate.ts'
import { NOWHERE } from './replies.ts'
import type { InboxDeps } from './scene.ts'
import { choiceButtons, choicesOf } from './views.ts'

/** So many repositories are named where one has to be chosen. */
const CHOICES = 20
const ABSENT =
  'I am not in this conversation, so nothing was begun: I could not hear the answers. Say it in a channel where I am; `/invite @muster` brings me into one.'

/**
 * What a command asks to be begun gets a thread of its own, if its author may ask for it; everything else is answered aside.
 * @returns undefined where Muster is not in the channel
 */
export async function inThread(
  deps: InboxDeps,
  marker: string,
  receivedAt: number,
  heard: Heard,
  names: Names,
): Promise<Heard | undefined> {
  const { elsewhere, what } = heard
  const open = elsewhere && isAside(elsewhere.surface) ? deps.facts[elsewhere.surface.channel]?.thread : undefined
  if (!elsewhere || !open || what.type !== 'text') return heard
  const command = toldBy(heard, names).commands.find(({ verb }) => OPENING.has(verb))
  if (!command) return heard
  if (!(await mayWrite(deps, heard)) && !(await mayAskOnly(deps, heard, command.verb))) return heard
  const surface = await open(elsewhere.surface, what.text.replace(/^@muster\s*/, ''), marker, receivedAt)
  return surface && { ...heard, key: surfaceKey(surface), elsewhere: { ...elsewhere, surface } }
}

/** What is said where nothing can be begun yet. */
type Aside = 'repository' | 'help' | 'absent'

/** Which repository is meant is asked, help is given anywhere, and where Muster is absent it says so. */
export async function sayElsewhere(deps: InboxDeps, eventId: string, said: Said, what: Aside): Promise<void> {
  const { surface, kind, by } = said
  const allowance = deps.mayAsk(memberKey(by))
  const conversationId = await deps.store.conversations.at(surfaceKey(surface))
  const say = async (body: Words) => {
    await deps.store.effects.add(conversationId, conversationId, undefined, [
      { key: `reply:${eventId}`, body: { place: NOWHERE, surface, ...body } },
    ])
    deps.kick()
  }
  if (allowance !== 'yes') {
    // Decided first: nobody is told that it was left undone, and heard after all.
    await deps.store.inbox.decide(eventId, LIMITED, { conversationId, kind })
    if (allowance === 'told')
      await say({ kind: 'whisper', member: by.id, name: by.name, document: limitedReply(PERSON) })
    return
  }
  // Names of repositories are for the team: guests and strangers are asked without any.
  const names = what === 'repository' && (await mayRead(deps, by)) ? await choicesOf(deps, CHOICES) : []
  await say({ kind: 'message', document: documentOf(what, names), buttons: choiceButtons(names, eventId) })
  await deps.store.inbox.decide(eventId, DECISIONS[what], { conversationId, kind })
}

type Words = Without<Extract<SurfaceBody, { kind: 'message' | 'whisper' }>>
type Without<T> = T extends unknown ? Omit<T, 'place' | 'surface'> : never

function documentOf(what: Aside, names: readonly string[]): Document {
  switch (what) {
    case 'help':
      return helpReply()
    case 'repository':
      return chooseRepository(names)
    case 'absent':
      return noteReply(ABSENT)
  }
}

/** What becomes of a command too many. */
export const LIMITED: Decision = {
  outcome: 'refused',
  reason: 'rate_limited',
  detail: 'too many commands by one person',
}
const DECISIONS: Readonly<Record<Aside, Decision>> = {
  help: { outcome: 'accepted', reason: 'help', detail: 'there is no task in this thread' },
  repository: { outcome: 'refused', reason: 'no_repository', detail: 'no repository was named' },
  absent: { outcome: 'refused', reason: 'not_in_channel', detail: 'Muster is not in the channel where this was said' },
}
