import type { Heard } from '../core/heard.ts'
import { type Part, wholeDecision } from '../core/inbound.ts'
import { bareAccount, type ChannelName, type Said } from '../core/said.ts'
import { type Names, type Route, route, toldBy } from '../core/routing.ts'
import { messageOf } from '../core/errors.ts'
import { environmentNames, isAwaited } from '../core/settings.ts'
import type { Decision } from '../core/deciding/commands.ts'
import { holds } from '../core/deciding/surfaces.ts'
import { isActive, gateAt } from '../core/task/steps.ts'
import type { Task } from '../core/task/types.ts'
import { resumedCommand } from '../people/types.ts'
import type { Fence } from '../leases/types.ts'
import type { StoredInbound } from '../store/types.ts'
import { inThread, sayAlone, sayElsewhere, sayLate } from './aside.ts'
import { fromElsewhere } from './elsewhere.ts'
import { follow } from './follow.ts'
import { ONLY, type InboxDeps } from './scene.ts'
import type { Loaded } from './settings.ts'
import { isView, showView } from './views.ts'

/** What was heard on GitHub. */
export async function hear(deps: InboxDeps, stored: StoredInbound, heard: Heard, fence: Fence): Promise<void> {
  const known = await deps.store.conversations.find(heard.key)
  const task = await taskAt(deps, known, heard)
  // Most of what arrives is no business of Muster's: it costs no request, and is decided though GitHub be out of reach.
  const idle = uninteresting(heard, task)
  if (idle) return settle(deps, stored.event.id, heard, known, idle)
  const self = await deps.platform.self()
  const loaded = await deps.settings.load(heard.repository, false)
  const names: Names = {
    mentions: [...new Set([loaded.ok ? loaded.settings.mention : 'muster', self.slug])],
    label: loaded.ok ? loaded.settings.label : 'muster',
    botId: self.id,
    environments: environmentsIn(loaded),
    awaited: environmentsIn(loaded).filter((name) => isAwaitedIn(loaded, name)),
  }
  await obey(deps, { stored, heard, known, task, loaded, fence }, names)
}

function environmentsIn(loaded: Loaded): readonly string[] {
  return loaded.ok ? environmentNames(loaded.settings) : []
}

function isAwaitedIn(loaded: Loaded, name: string): boolean {
  const found = loaded.ok ? loaded.settings.environments[name] : undefined
  return found !== undefined && isAwaited(found)
}

/** Authority is asked for the repository where it was said: it counts for work on that one alone. */
async function taskAt(
  deps: InboxDeps,
  conversation: string | undefined,
  { repository }: Heard,
): Promise<Task | undefined> {
  const latest = conversation ? await deps.store.tasks.latest(conversation) : undefined
  return latest?.origin.repository.id === repository.id ? latest : undefined
}

interface Hearing {
  readonly stored: StoredInbound
  readonly heard: Heard
  readonly known: string | undefined
  readonly task: Task | undefined
  readonly loaded: Loaded
  readonly fence: Fence
  /** The one command of it that goes on; only a request does. */
  readonly only?: number | undefined
}

/**
 * Does what was said, command by command, in the order in which they stand. What became of the first ones is stored with them, so
 * that after a death in between none is done twice.
 */
async function obey(
  deps: InboxDeps,
  { stored, heard, known, task, loaded, fence, only }: Hearing,
  names: Names,
): Promise<void> {
  const all = toldBy(heard, names)
  const told = only === undefined ? all : { ...all, commands: all.commands.slice(only, only + 1) }
  const count = Math.max(1, told.commands.length)
  const earlier: Decision[] = [...stored.parts]
  const last = earlier.at(-1)
  // It reads otherwise than before (another name in the settings, another version): what was done counts.
  if (last && earlier.length >= count)
    return deps.store.inbox.decide(stored.event.id, wholeDecision(earlier.slice(0, -1), last), { kind: heard.kind })
  let now = task
  for (let nth = earlier.length; nth < count; nth++) {
    const part: Part = { nth, isLast: nth === count - 1, earlier: [...earlier] }
    if (nth > 0) now = await taskAt(deps, await deps.store.conversations.find(heard.key), heard)
    const way = onlyRequest(route(heard, now, names, told, nth), only)
    if (way.to === 'ignore') {
      const decision: Decision = { outcome: 'ignored', reason: way.reason, detail: way.detail }
      await settle(deps, stored.event.id, heard, known, decision, part)
      await tellWaiting(deps, heard, way.reason)
    } else {
      const conversationId = known ?? (await deps.store.conversations.at(heard.key))
      const scene = {
        eventId: stored.event.id,
        receivedAt: stored.event.receivedAt.getTime(),
        heard,
        conversationId,
        task: now,
        loaded,
        part,
        only,
        fence,
      }
      await follow(deps, scene, way)
      deps.kick()
    }
    if (part.isLast) return
    const after = await deps.store.inbox.get(stored.event.id)
    const done = after?.parts.at(nth)
    // Decided as a whole by what was done.
    if (!done) return
    earlier.push(done)
  }
}

const UNHEARD_OF: Readonly<Record<string, string>> = {
  not_for_us: 'Muster has no environment of this name with `target: github-environment`.',
  no_task:
    'No pull request has this commit: say "deploy <env> <sha>" in an issue, and it goes on when that is approved.',
}

/** Whoever looks at a run that waits in vain sees why. Nobody depends on it. */
async function tellWaiting(deps: InboxDeps, { what, repository }: Heard, reason: string): Promise<void> {
  const text = UNHEARD_OF[reason]
  if (what.type !== 'awaited' || text === undefined) return
  await deps.platform
    .tellWaiting(repository, what.awaits.run, what.environment, text)
    .catch((error: unknown) => deps.log('warn', 'a run that waits could not be told', { error: messageOf(error) }))
}

/** What goes on after a sign-in begins work, or does nothing: decisions are made by people who are known when they make them. */
function onlyRequest(way: Route, only: number | undefined): Route {
  if (only === undefined || way.to === 'open' || way.to === 'ignore') return way
  return { to: 'ignore', reason: 'not_a_request', detail: 'only a request goes on after a sign-in' }
}

/** The same for what was said in another channel. */
export async function hearElsewhere(
  deps: InboxDeps,
  channel: ChannelName,
  stored: StoredInbound,
  fence: Fence,
): Promise<void> {
  const { body, account, event } = stored
  const { id: eventId } = event
  const said = (await deps.readers[channel]?.(body, account)) ?? {
    ignored: 'channel_off',
    detail: `${channel} is not switched on`,
  }
  if ('ignored' in said) {
    if (said.ignored === 'uninstalled') await deps.uninstalled(channel, bareAccount(channel, account))
    return deps.store.inbox.decide(eventId, { outcome: 'ignored', reason: said.ignored, detail: said.detail }, {})
  }
  if (isView(said.what)) {
    const decision = await showView(deps, eventId, said, said.what)
    return deps.store.inbox.decide(eventId, decision, { kind: said.kind })
  }
  const found = await fromElsewhere(deps, said)
  if (!found.ok) {
    if ('ask' in found) return sayElsewhere(deps, eventId, said, found.ask)
    if ('alone' in found) return sayAlone(deps, eventId, said, found.alone)
    if ('late' in found) return sayLate(deps, eventId, said, found.late)
    if ('gone' in found) return placeGone(deps, eventId, said, found.gone, fence)
    return deps.store.inbox.decide(eventId, found.decision, { kind: said.kind })
  }
  // What is chosen for a request belongs to that request, however often it is pressed.
  const request = said.what.type === 'chosen' ? said.what.event : eventId
  const heard = await inThread(deps, `thread:${request}`, event.receivedAt.getTime(), found.heard, found.names)
  if (!heard) return sayElsewhere(deps, eventId, said, 'absent')
  const moved = heard.key === found.heard.key ? undefined : await deps.store.conversations.find(heard.key)
  const task = moved ? await deps.store.tasks.latest(moved) : found.task
  const { names, loaded } = found
  const nth = resumedCommand(event.deliveryId)
  await obey(deps, { stored, heard, known: undefined, task, loaded, fence, only: nth }, names)
}

/** A thread or ticket was deleted: its work goes on elsewhere. */
async function placeGone(
  deps: InboxDeps,
  eventId: string,
  { surface, kind }: Said,
  task: Task | undefined,
  fence: Fence,
): Promise<void> {
  if (!task || !holds(task, surface)) {
    const decision: Decision = { outcome: 'ignored', reason: 'no_task', detail: 'no work was held there' }
    return deps.store.inbox.decide(eventId, decision, { kind })
  }
  await deps.workflow.apply(
    task.id,
    { type: 'surface.unlink', surface, by: undefined },
    { inbound: { id: eventId, kind }, fence },
  )
  deps.kick()
}

/** What can be told from the event alone. */
function uninteresting({ what, sender }: Heard, task: Task | undefined): Decision | undefined {
  if (what.type === 'issue.closed' && !(task && isActive(task)))
    return { outcome: 'ignored', reason: 'no_task', detail: 'there is no work to end' }
  if (what.type === 'check.passed' && !task?.failedChecks.some(({ name }) => name === what.name))
    return { outcome: 'ignored', reason: 'not_failed', detail: 'it had not failed' }
  if (what.type !== 'text') return undefined
  if (sender.isBot) return { outcome: 'ignored', reason: 'bot_sender', detail: 'written by a bot' }
  // A name stands behind one of these, wherever in a sentence.
  const mayTrigger = what.command !== undefined || (task && gateAt(task, 'question')) || /@|^[ \t]*\//m.test(what.text)
  return mayTrigger
    ? undefined
    : { outcome: 'ignored', reason: 'no_trigger', detail: 'no command at the start of a line' }
}

async function settle(
  deps: InboxDeps,
  eventId: string,
  heard: Heard,
  conversationId: string | undefined,
  decision: Decision,
  part: Part = ONLY,
): Promise<void> {
  await deps.store.inbox.decide(eventId, decision, { conversationId, kind: heard.kind, part })
}
