import { gateAt } from '../core/task/steps.ts'
import type { Button, EffectBody } from '../core/effects.ts'
import { surfaceCard } from '../core/reply/card.ts'
import { type Document, say } from '../core/reply/document.ts'
import { lateReply } from '../core/reply/late.ts'
import { homeDocument } from '../core/reply/home.ts'
import { type Member, type Said, surfaceKey } from '../core/said.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { Task } from '../core/task/types.ts'
import { mayRead } from './authority.ts'
import { NOWHERE } from './replies.ts'
import { personOf } from './writers.ts'
import { OFFER_MS } from '../people/types.ts'
import type { InboxDeps } from './scene.ts'

/** What is only shown: forms, somebody's own page, previews. Nothing here changes a task. */

/** So many tasks that are under way are looked through for somebody's page, the newest first. */
const LOOKED_AT = 60
/** So many repositories are buttons; more are a list to choose from. */
const BUTTONS = 4

type View = Extract<Said['what'], { type: 'form' | 'home' | 'shared' }>

/** Whether somebody only wants to see something. */
export function isView(what: Said['what']): what is View {
  return what.type === 'form' || what.type === 'home' || what.type === 'shared'
}

/** Shows it. @returns what became of the event */
export async function showView(deps: InboxDeps, eventId: string, said: Said, what: View): Promise<Decision> {
  const conversationId = await deps.store.conversations.at(surfaceKey(said.surface))
  const body = await bodyOf(deps, said, what, conversationId)
  if (!body) return { outcome: 'ignored', reason: 'nothing_to_show', detail: `nothing is shown for ${said.kind}` }
  await deps.store.effects.add(conversationId, conversationId, undefined, [{ key: `view:${eventId}`, body }])
  deps.kick()
  return { outcome: 'accepted', reason: 'shown', detail: '' }
}

async function bodyOf(
  deps: InboxDeps,
  { surface, by }: Said,
  what: View,
  conversationId: string,
): Promise<EffectBody | undefined> {
  const place = NOWHERE
  if (what.type === 'home') return { kind: 'home', place, surface, member: by.id, document: await pageOf(deps, by) }
  if (what.type === 'shared') {
    const shown = (await mayRead(deps, by)) ? await previews(deps, what.urls) : []
    return shown.length > 0 ? { kind: 'unfurl', place, surface, messageId: what.messageId, shown } : undefined
  }
  if (what.form === 'repository') {
    if (!(await mayRead(deps, by))) return undefined
    const choices = await choicesOf(deps, 100)
    return {
      kind: 'form',
      place,
      surface,
      trigger: what.trigger,
      form: { name: 'repository', choices, event: what.value },
    }
  }
  const task = await deps.store.tasks.latest(conversationId)
  const asked = task && gateAt(task, 'question')
  if (!asked) {
    const document = lateReply(task, say`There is nothing to answer any more.`)
    return { kind: 'whisper', place, surface, member: by.id, name: by.name, document }
  }
  return {
    kind: 'form',
    place,
    surface,
    trigger: what.trigger,
    form: { name: 'answer', questions: asked.questions },
  }
}

async function previews(deps: InboxDeps, urls: readonly string[]) {
  const shown: { url: string; document: Document }[] = []
  for (const url of urls) {
    const id = taskIn(url, deps.publicUrl)
    const task = id ? await deps.store.tasks.get(id) : undefined
    if (task) shown.push({ url, document: surfaceCard(task, deps.now()) })
  }
  return shown
}

/** The task that an address of Muster's own is about. */
function taskIn(url: string, publicUrl: string): string | undefined {
  if (!URL.canParse(url) || new URL(url).origin !== new URL(publicUrl).origin) return undefined
  return /\/tasks\/([\da-f]{8}-[\da-f-]{27})(?:\/|$)/.exec(new URL(url).pathname)?.[1]
}

/** What somebody asked for, and what waits for them. */
export async function pageOf(deps: InboxDeps, member: Member): Promise<Document> {
  const person = await personOf(deps, member)
  if (!person) return homeDocument(undefined, deps.linkUrl(await deps.store.people.offer(member, OFFER_MS.private)))
  const open: Task[] = []
  const allowed = new Map<number, boolean>()
  for (const task of await deps.store.tasks.unfinished(LOOKED_AT)) {
    const { repository } = task.origin
    const may = allowed.get(repository.id) ?? (await deps.platform.canWrite(repository, person))
    allowed.set(repository.id, may)
    if (may) open.push(task)
  }
  return homeDocument({ person, open }, '')
}

/** Some of the repositories that Muster is installed on, by name. */
export async function choicesOf({ platform }: InboxDeps, limit: number): Promise<string[]> {
  return (await platform.repositories(limit)).map(({ owner, name }) => `${owner}/${name}`)
}

/** Repositories to choose from, as buttons: a few by their names, more of them as a list. @param eventId what they are chosen for */
export function choiceButtons(names: readonly string[], eventId: string): Button[] {
  const few = names
    .slice(0, BUTTONS)
    .map((name): Button => ({ label: name, action: 'repository', value: `${eventId} ${name}`, style: 'plain' }))
  return names.length > BUTTONS
    ? [...few, { label: 'Another…', action: 'choose', value: eventId, style: 'plain' }]
    : few
}
