import { findCommands } from '../core/command.ts'
import type { Heard } from '../core/heard.ts'
import { chooseRepository, helpReply, limitedReply, noteReply } from '../core/reply/answers.ts'
import type { Document } from '../core/reply/document.ts'
import { OPENING } from '../core/routing.ts'
import { isAside, type Said, surfaceKey } from '../core/said.ts'
import type { Decision } from '../core/task/commands.ts'
import type { Repository } from '../core/task/types.ts'
import { mayAskOnly, mayWrite } from './authority.ts'
import { PERSON } from './rate.ts'
import type { InboxDeps } from './scene.ts'
import { choiceButtons, choicesOf, mayRead } from './views.ts'

/** What belongs to no repository. */
export const NOWHERE: Repository = { id: 0, owner: '', name: '', defaultBranch: '', installationId: 0 }
/** So many repositories are named where one has to be chosen. */
const CHOICES = 20
const ABSENT =
  'Nothing was begun: I could not hear what is answered there, and the others could not follow. Say it again once I am in that channel, or in one where I am.'

/**
 * What a command asks to be begun gets a thread of its own, if its author may ask for it; everything else is answered aside.
 * @returns undefined where Muster is not in the channel
 */
export async function inThread(
  deps: InboxDeps,
  marker: string,
  receivedAt: number,
  heard: Heard,
): Promise<Heard | undefined> {
  const { elsewhere, what } = heard
  const open = elsewhere && isAside(elsewhere.surface) ? deps.facts[elsewhere.surface.channel]?.thread : undefined
  if (!elsewhere || !open || what.type !== 'text') return heard
  const [command] = findCommands(what.text, ['muster'])
  if (!command || !OPENING.has(command.verb)) return heard
  if (!(await mayWrite(deps, heard)) && !(await mayAskOnly(deps, heard, command.verb))) return heard
  const surface = await open(elsewhere.surface, what.text.replace(/^@muster\s*/, ''), marker, receivedAt)
  return surface && { ...heard, key: surfaceKey(surface), elsewhere: { ...elsewhere, surface } }
}

/** What is said where nothing can be begun yet. */
type Aside = 'repository' | 'help' | 'absent'

/** Which repository is meant is asked, help is given anywhere, and where Muster is absent it says so. */
export async function sayElsewhere(deps: InboxDeps, eventId: string, said: Said, about: Aside): Promise<void> {
  const { surface, kind, by } = said
  const allowance = deps.mayAsk(by.id)
  if (allowance === 'no') return deps.store.inbox.decide(eventId, LIMITED, { kind })
  const what = allowance === 'told' ? 'limited' : about
  const conversationId = await deps.store.conversations.at(surfaceKey(surface))
  // Names of repositories are for the team: guests and strangers are asked without any.
  const names = what === 'repository' && (await mayRead(deps, by)) ? await choicesOf(deps, CHOICES) : []
  const body = {
    kind: 'message',
    place: { repository: NOWHERE, number: 0 },
    surface,
    document: documentOf(what, names, by.name),
    buttons: choiceButtons(names, eventId),
  } as const
  await deps.store.effects.add(conversationId, conversationId, undefined, [{ key: `reply:${eventId}`, body }])
  deps.kick()
  await deps.store.inbox.decide(eventId, DECISIONS[what], { conversationId, kind })
}

function documentOf(what: Aside | 'limited', names: readonly string[], who: string): Document {
  switch (what) {
    case 'help':
      return helpReply()
    case 'repository':
      return chooseRepository(names)
    case 'absent':
      return noteReply(ABSENT)
    case 'limited':
      return limitedReply(who, PERSON)
  }
}

export const LIMITED: Decision = {
  outcome: 'refused',
  reason: 'rate_limited',
  detail: 'too many commands by one person',
}
const DECISIONS: Readonly<Record<Aside | 'limited', Decision>> = {
  help: { outcome: 'accepted', reason: 'help', detail: 'there is no task in this thread' },
  repository: { outcome: 'refused', reason: 'no_repository', detail: 'no repository was named' },
  absent: { outcome: 'refused', reason: 'not_in_channel', detail: 'Muster is not in the channel where this was said' },
  limited: LIMITED,
}
