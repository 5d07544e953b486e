import type { SurfaceBody } from '../core/effects.ts'
import type { Heard } from '../core/heard.ts'
import { chooseRepository, limitedReply, noteReply } from '../core/reply/answers.ts'
import { type Document, say } from '../core/reply/document.ts'
import { isOpening, type Names, toldBy } from '../core/routing.ts'
import { isAside, isTicket, memberKey, type Said, surfaceKey } from '../core/said.ts'
import { lateReply } from '../core/reply/late.ts'
import type { Command } from '../core/command.ts'
import { decideAlone } from '../core/deciding/alone.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { Task } from '../core/task/types.ts'
import { mayAskOnly, mayRead, mayWrite } from './authority.ts'
import { PERSON } from './rate.ts'
import { NOWHERE } from './replies.ts'
import type { InboxDeps } from './scene.ts'
import { choiceButtons, choicesOf, pageOf } from './views.ts'

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
  const command = toldBy(heard, names).commands.find(({ verb }) => isOpening(verb))
  if (!command) return heard
  if (!(await mayWrite(deps, heard)) && !(await mayAskOnly(deps, heard, command.verb))) return heard
  const surface = await open(elsewhere.surface, what.text.replace(/^@muster\s*/, ''), marker, receivedAt)
  return surface && { ...heard, key: surfaceKey(surface), elsewhere: { ...elsewhere, surface } }
}

/** What is said where nothing can be begun yet. */
type Aside = 'repository' | 'page' | 'absent'

/** Which repository is meant is asked, everybody sees their own work, and where Muster is absent it says so. */
export async function sayElsewhere(deps: InboxDeps, eventId: string, said: Said, what: Aside): Promise<void> {
  await unlessTooMany(deps, eventId, said, DECISIONS[what], async () => {
    const words = await wordsOf(deps, eventId, said, what)
    // The same message handed over twice is asked about once; with names to choose from, where whoever does it may see them.
    const { messageId = '' } = 'messageId' in said.what ? said.what : {}
    const choices = words.kind === 'message' ? words.buttons.length : 0
    const key = what === 'repository' && messageId !== '' ? `ask:${messageId}:${choices}` : `reply:${eventId}`
    return { key, words }
  })
}

/** What needs no repository is answered where nothing is under way, as on GitHub. */
export async function sayAlone(deps: InboxDeps, eventId: string, said: Said, command: Command): Promise<void> {
  const { document, decision } = decideAlone(command, 'muster')
  // Where it can be, it is for whoever said it alone.
  const words: Words = isTicket(said.surface) ? { kind: 'message', document, buttons: [] } : whispered(said, document)
  await unlessTooMany(deps, eventId, said, decision, async () => ({ key: `reply:${eventId}`, words }))
}

/** A press on what is decided already: whoever pressed learns who decided it. */
export async function sayLate(deps: InboxDeps, eventId: string, said: Said, task: Task | undefined): Promise<void> {
  const document = lateReply(task, say`Nothing was done: that is over already.`)
  await unlessTooMany(deps, eventId, said, STALE, async () => ({
    key: `reply:${eventId}`,
    words: whispered(said, document),
  }))
}

interface Answer {
  readonly key: string
  readonly words: Words
}

async function unlessTooMany(
  deps: InboxDeps,
  eventId: string,
  said: Said,
  decision: Decision,
  answer: () => Promise<Answer>,
): Promise<void> {
  const { surface, kind, by } = said
  const allowance = await deps.mayAsk(memberKey(by))
  const conversationId = await deps.store.conversations.at(surfaceKey(surface))
  const tell = async ({ key, words }: Answer) => {
    const body = { place: NOWHERE, surface, ...words }
    await deps.store.effects.add(conversationId, conversationId, undefined, [{ key, body }])
    deps.kick()
  }
  if (allowance === 'yes') {
    await tell(await answer())
    return deps.store.inbox.decide(eventId, decision, { conversationId, kind })
  }
  // Decided first: nobody is told that it was left undone, and heard after all.
  await deps.store.inbox.decide(eventId, LIMITED, { conversationId, kind })
  if (allowance === 'told') await tell({ key: `reply:${eventId}`, words: whispered(said, limitedReply(PERSON)) })
}

type Words = Without<Extract<SurfaceBody, { kind: 'message' | 'whisper' }>>
type Without<T> = T extends unknown ? Omit<T, 'place' | 'surface'> : never

function whispered({ by }: Said, document: Document): Words {
  return { kind: 'whisper', member: by.id, name: by.name, document }
}

async function wordsOf(deps: InboxDeps, eventId: string, said: Said, what: Aside): Promise<Words> {
  switch (what) {
    case 'absent':
      return { kind: 'message', document: noteReply(ABSENT), buttons: [] }
    case 'page':
      return whispered(said, await pageOf(deps, said.by))
    case 'repository': {
      // Names of repositories are for the team: guests and strangers are asked without any.
      const names = (await mayRead(deps, said.by)) ? await choicesOf(deps, CHOICES) : []
      return { kind: 'message', document: chooseRepository(names), buttons: choiceButtons(names, eventId) }
    }
  }
}

/** What becomes of a command too many. */
export const LIMITED: Decision = {
  outcome: 'refused',
  reason: 'rate_limited',
  detail: 'too many commands by one person',
}
/** What becomes of a press that comes too late. */
const STALE: Decision = { outcome: 'ignored', reason: 'stale_button', detail: 'what it was for is over' }
const DECISIONS: Readonly<Record<Aside, Decision>> = {
  page: { outcome: 'accepted', reason: 'status', detail: 'there is no task in this thread' },
  repository: { outcome: 'refused', reason: 'no_repository', detail: 'no repository was named' },
  absent: { outcome: 'refused', reason: 'not_in_channel', detail: 'Muster is not in the channel where this was said' },
}
