import { SendError } from '../channels/types.ts'
import { messageOf, publicMessage, UserError } from '../core/errors.ts'
import { isDecided } from '../core/inbound.ts'
import type { Heard } from '../core/heard.ts'
import { bareAccount, type ChannelName, memberKey, type Said } from '../core/said.ts'
import { SUSPECT } from '../core/poison.ts'
import { mayCommand } from '../core/policy.ts'
import { helpReply, invalidReply, limitedReply, linkOffer, noteReply } from '../core/reply/answers.ts'
import type { Document } from '../core/reply/document.ts'
import { type Names, type Route, route } from '../core/routing.ts'
import type { EffectIntent } from '../core/effects.ts'
import type { Decided, Decision, PersonCommand, TaskCommand } from '../core/task/commands.ts'
import { holds } from '../core/task/surfaces.ts'
import type { Task } from '../core/task/types.ts'
import { startFromApi } from './api.ts'
import { inThread, LIMITED, sayElsewhere } from './aside.ts'
import { drainLane } from './lanes.ts'
import { mayAskOnly, mayWrite } from './authority.ts'
import { changeLinks } from './linking.ts'
import { openTask } from './open.ts'
import { quarantine } from './quarantine.ts'
import { acknowledgement, answer, decideOnly, reply, settingsInvalid, whisper } from './replies.ts'
import { fromElsewhere } from './elsewhere.ts'
import { PERSON } from './rate.ts'
import { isView, showView } from './views.ts'
import { inboundOf, type InboxDeps, type Scene } from './scene.ts'
import { why } from './why.ts'
import { backoffMs } from '../core/retry.ts'
import { keepingCount } from '../leases/suspects.ts'
import type { Claim } from '../leases/types.ts'
import { Fenced, Settled, type StoredInbound } from '../store/types.ts'
import type { Fence } from '../leases/types.ts'
import { crashPoint } from '../telemetry/crash.ts'

/** How long a platform that does not answer is asked again. */
const GIVE_UP_MS = 24 * 3_600_000
const UNHEARD =
  'This was handed to me while I was not listening, and I am not told by whom. Please comment `@muster build` if it is still wanted.'

/** Handles a stored event, and whatever waits in the same conversation: decides what becomes of it and says so. Each event is decided once. */
export function inboxHandler(deps: InboxDeps): (eventId: string) => Promise<void> {
  return async (eventId) => {
    const stored = await deps.store.inbox.get(eventId)
    if (!stored || isDecided(stored.event)) return
    const lane = stored.lane ?? `event:${eventId}`
    if (stored.lane === undefined) await deps.store.inbox.setLane(eventId, lane)
    await drained(deps)(lane)
  }
}

/** It is handled later; the queue offers it again. */
class Postponed extends Error {}

/** Where somebody's process ended in this lane before, each event is watched by itself, and a suspected one handled in a process of its own. */
async function guarded(deps: InboxDeps, stored: StoredInbound, claim: Claim): Promise<void> {
  if (claim.crashes === 0) return handleOne(deps, stored, claim, drained(deps))
  // One suspect at a time: it may be what uses up the machine.
  const turn = await deps.leases.acquire('suspect-event')
  if (!turn) {
    await claim.postpone()
    throw new Postponed('another event is suspected as well, and watched first')
  }
  const watched = await deps.leases.acquire(`event:${stored.event.id}`)
  try {
    if (!watched) throw new Postponed('somebody else handles this event')
    // The first crash was counted for the lane.
    if (watched.crashes + 1 < SUSPECT) return await handleOne(deps, stored, claim, drained(deps))
    const job = { kind: 'event', id: stored.event.id } as const
    const ended = await keepingCount(watched, () => keepingCount(claim, () => deps.apart(job, claim, claim.signal)))
    if (ended === 'poison') return await quarantine(deps, stored)
    await inItsLane(deps, stored)
  } finally {
    await watched?.release().catch(() => {})
    await turn.release().catch(() => {})
  }
}

/** What was looked into elsewhere, and belongs into another lane, is handled there. */
async function inItsLane(deps: InboxDeps, { event, lane }: StoredInbound): Promise<void> {
  const now = await deps.store.inbox.get(event.id)
  if (now?.lane && now.lane !== lane && !isDecided(now.event)) await drained(deps)(now.lane)
}

/** What is done about an event that turned out to belong into another lane: whatever waits there comes first. */
type Moved = (lane: string) => Promise<void>

function drained(deps: InboxDeps): Moved {
  return (lane) => drainLane(deps, lane, (one, claim) => guarded(deps, one, claim))
}

/** The whole of what a process does for a suspected event that another one handed to it. @param claim the other's, on the lane */
export async function handleApart(deps: InboxDeps, eventId: string, claim: Claim): Promise<void> {
  const stored = await deps.store.inbox.get(eventId)
  // What waits in another lane is the other process's to handle: only this one is suspected.
  if (stored && !isDecided(stored.event)) await handleOne(deps, stored, claim, () => Promise.resolve())
}

async function handleOne(deps: InboxDeps, stored: StoredInbound, claim: Claim, moved: Moved): Promise<void> {
  const { id, source, kind, deliveryId } = stored.event
  const receivedAt = stored.event.receivedAt.getTime()
  crashPoint('claimed')
  await deps.within({ delivery: deliveryId }, async () => {
    try {
      if (source === 'api') return await startFromApi(deps, id, receivedAt, stored.body, claim.fence)
      if (source === 'slack' || source === 'jira' || source === 'clickup')
        return await hearElsewhere(deps, receivedAt, source, stored, claim.fence)
      const heard = deps.receiver.read(kind, stored.body)
      if ('ignored' in heard)
        return await deps.store.inbox.decide(
          id,
          { outcome: 'ignored', reason: heard.ignored, detail: heard.detail },
          {},
        )
      // Too large to be looked into on arrival: now its lane is known, and whatever else waits there comes first.
      if (stored.lane !== heard.key && stored.lane?.startsWith('event:')) {
        await deps.store.inbox.setLane(id, heard.key)
        return await moved(heard.key)
      }
      await hear(deps, id, receivedAt, heard, claim.fence)
    } catch (error) {
      await failed(deps, stored, receivedAt, error)
    }
  })
}

/** What the platform refuses is refused for good; anything else is tried again for a while. */
async function failed(deps: InboxDeps, stored: StoredInbound, receivedAt: number, error: unknown): Promise<void> {
  const eventId = stored.event.id
  const attempts = stored.attempts + 1
  // Decided by an earlier try whose answer was lost, or taken over: nothing is to be done here.
  if (error instanceof Settled) return
  if (error instanceof Fenced) throw error
  deps.log('error', 'an event could not be handled', {
    event: eventId,
    attempts,
    error: messageOf(error),
    cause: error instanceof Error ? messageOf(error.cause ?? '') : '',
  })
  if (error instanceof UserError || deps.now() - receivedAt > GIVE_UP_MS) {
    const reason = error instanceof UserError ? error.code : 'failed'
    return deps.store.inbox.decide(eventId, { outcome: 'refused', reason, detail: publicMessage(error) }, {})
  }
  // Asked to wait by the provider, nothing is asked before; and not by all who wait at once.
  const asked = error instanceof SendError ? (error.retryAfterMs ?? 0) : 0
  const retryAt = new Date(deps.now() + asked + backoffMs(attempts, deps.random(), 500, 5 * 60_000))
  await deps.store.inbox.postpone(eventId, `tried ${attempts} times; it is tried again`, retryAt)
  throw error
}

async function hear(deps: InboxDeps, eventId: string, receivedAt: number, heard: Heard, fence: Fence): Promise<void> {
  const known = await deps.store.conversations.find(heard.key)
  const latest = known ? await deps.store.tasks.latest(known) : undefined
  // Authority is asked for the repository where it was said: it counts for work on that one alone.
  const task = latest?.origin.repository.id === heard.repository.id ? latest : undefined
  // Most of what arrives is no business of Muster's: it costs no request, and is decided though GitHub be out of reach.
  const idle = uninteresting(heard, task)
  if (idle) return settle(deps, eventId, heard, known, idle)
  const self = await deps.platform.self()
  const loaded = await deps.settings.load(heard.repository, false)
  const names: Names = {
    mentions: [...new Set([loaded.ok ? loaded.settings.mention : 'muster', self.slug])],
    label: loaded.ok ? loaded.settings.label : 'muster',
    botId: self.id,
  }
  const way = route(heard, task, names)
  if (way.to === 'ignore')
    return settle(deps, eventId, heard, known, { outcome: 'ignored', reason: way.reason, detail: way.detail })
  const conversationId = known ?? (await deps.store.conversations.at(heard.key))
  await follow(deps, { eventId, receivedAt, heard, conversationId, task, loaded, fence }, way)
  deps.kick()
}

/** The same for what was said in another channel. */
async function hearElsewhere(
  deps: InboxDeps,
  receivedAt: number,
  channel: ChannelName,
  { body, account, event: { id: eventId } }: StoredInbound,
  fence: Fence,
): Promise<void> {
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
    if ('gone' in found) return placeGone(deps, eventId, said, found.gone, fence)
    return deps.store.inbox.decide(eventId, found.decision, { kind: said.kind })
  }
  // What is chosen for a request belongs to that request, however often it is pressed.
  const request = said.what.type === 'chosen' ? said.what.event : eventId
  const heard = await inThread(deps, `thread:${request}`, receivedAt, found.heard)
  if (!heard) return sayElsewhere(deps, eventId, said, 'absent')
  const moved = heard.key === found.heard.key ? undefined : await deps.store.conversations.find(heard.key)
  const task = moved ? await deps.store.tasks.latest(moved) : found.task
  const names: Names = { mentions: ['muster'], label: '', botId: -1 }
  const way = route(heard, task, names)
  if (way.to === 'ignore')
    return settle(deps, eventId, heard, undefined, { outcome: 'ignored', reason: way.reason, detail: way.detail })
  const loaded = await deps.settings.load(heard.repository, false)
  const conversationId = await deps.store.conversations.at(heard.key)
  await follow(deps, { eventId, receivedAt, heard, conversationId, task, loaded, fence }, way)
  deps.kick()
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
  if (what.type !== 'text') return undefined
  if (sender.isBot) return { outcome: 'ignored', reason: 'bot_sender', detail: 'written by a bot' }
  const mayTrigger = task?.gate?.kind === 'question' || /^ {0,3}[@/]/m.test(what.text)
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
): Promise<void> {
  await deps.store.inbox.decide(eventId, decision, { conversationId, kind: heard.kind })
}

async function follow(deps: InboxDeps, scene: Scene, way: Exclude<Route, { to: 'ignore' }>): Promise<void> {
  const { heard } = scene
  if (way.to === 'task') {
    if (way.wantsWrite && !(await mayWrite(deps, heard)))
      return decideOnly(deps, scene, {
        outcome: 'refused',
        reason: 'permission',
        detail: 'the author may not write to the repository',
      })
    return apply(deps, scene, way.command, undefined)
  }
  const { command, commentId } = way
  const { elsewhere, sender } = heard
  const allowance = deps.mayAsk(elsewhere && !elsewhere.isLinked ? memberKey(elsewhere.member) : `github:${sender.id}`)
  if (allowance !== 'yes') return tooMany(deps, scene, allowance)
  const canWrite = await mayWrite(deps, heard)
  const ruling = mayCommand(command.verb, canWrite || (await mayAskOnly(deps, heard, command.verb)))
  if (!ruling.ok) return refuse(deps, scene, ruling.detail)
  if (way.to === 'open') return openTask(deps, scene, way)
  if (scene.task && (await isForeign(deps, scene))) return refuseForeign(deps, scene)
  if (command.verb === 'link' || command.verb === 'unlink') return changeLinks(deps, scene, command)
  if (command.verb === 'why') return why(deps, scene, commentId)
  if (!scene.task) return withoutTask(deps, scene, way)
  // What goes on with the repository's settings goes on with those of now.
  const loaded =
    command.verb === 'deploy' || command.verb === 'retry'
      ? await deps.settings.load(heard.repository, true)
      : scene.loaded
  if (!loaded.ok) return settingsInvalid(deps, scene, loaded)
  const said: PersonCommand = {
    type: 'person',
    command,
    by: { id: heard.sender.id, login: heard.sender.login },
    canWrite,
    receivedAt: scene.receivedAt,
    writtenAt: heard.writtenAt,
    commentId,
    settings: loaded.settings,
  }
  await apply(deps, scene, said, commentId)
}

/** Words that somebody handed over, by an author who could not have said them to this work. */
async function isForeign({ platform }: InboxDeps, { heard }: Scene): Promise<boolean> {
  if (heard.what.type !== 'text' || !heard.what.handed) return false
  const { author } = heard.what.subject
  return author.id !== heard.sender.id && !(author.id !== 0 && (await platform.canWrite(heard.repository, author)))
}

async function refuseForeign(deps: InboxDeps, scene: Scene): Promise<void> {
  await whisperOrReply(
    deps,
    scene,
    noteReply(
      'Whoever wrote that may not change this work, so nothing was done. Say in your own words what should be done.',
    ),
  )
  return decideOnly(deps, scene, {
    outcome: 'refused',
    reason: 'not_author',
    detail: 'the words that were handed over are by somebody who may not write to the repository',
  })
}

/** Told once, at the first command too many; and only once that is decided, so that nobody is told and then heard after all. */
async function tooMany(deps: InboxDeps, scene: Scene, allowance: 'told' | 'no'): Promise<void> {
  await decideOnly(deps, scene, LIMITED)
  if (allowance === 'no') return
  return whisperOrReply(deps, scene, limitedReply(PERSON))
}

function whisperOrReply(deps: InboxDeps, scene: Scene, document: Document): Promise<void> {
  return scene.heard.elsewhere ? whisper(deps, scene, document) : reply(deps, scene, document)
}

async function apply(
  deps: InboxDeps,
  scene: Scene,
  command: TaskCommand,
  commentId: number | undefined,
): Promise<void> {
  if (!scene.task) return
  const outcome = await deps.workflow.apply(scene.task.id, command, {
    ...inboundOf(scene),
    beside: (decided) => spoken(scene, decided, commentId),
  })
  if (outcome.events.some((event) => event.type === 'gate.approved')) crashPoint('approval-consumed')
  const { outcome: what, reason } = outcome.decision
  deps.log('info', 'decided', { outcome: what, reason, task: outcome.task.id })
}

/** What the author of a comment sees of its outcome at once. */
function spoken(scene: Scene, { decision, reply: said }: Decided, commentId: number | undefined): EffectIntent[] {
  if (commentId === undefined && !scene.heard.elsewhere) return []
  return [
    ...(decision.outcome === 'accepted' ? [acknowledgement(scene, { on: 'comment', id: commentId ?? 0 })] : []),
    ...(said ? [answer(scene, said)] : []),
  ]
}

/** One polite refusal for each conversation; further ones are only recorded. Whoever is not known yet is told how to change that. */
async function refuse(deps: InboxDeps, scene: Scene, detail: string): Promise<void> {
  const { elsewhere } = scene.heard
  if (elsewhere?.member.id === '') {
    await reply(deps, scene, noteReply(UNHEARD))
    return decideOnly(deps, scene, {
      outcome: 'refused',
      reason: 'unknown_author',
      detail: 'nobody says who asked for it',
    })
  }
  if (elsewhere && !elsewhere.isLinked && !elsewhere.member.isStranger) {
    const url = deps.linkUrl(await deps.store.people.offer(elsewhere.member))
    await whisper(deps, scene, linkOffer(url, elsewhere.surface.channel === 'slack'))
    return decideOnly(deps, scene, { outcome: 'refused', reason: 'not_linked', detail })
  }
  await reply(deps, scene, noteReply(`Sorry, ${detail}. A maintainer can take it from here.`), 'refusal')
  await decideOnly(deps, scene, { outcome: 'refused', reason: 'permission', detail })
}

/** Commands that make no sense without a task, and those that always do. */
async function withoutTask(deps: InboxDeps, scene: Scene, way: Extract<Route, { to: 'person' }>): Promise<void> {
  const { verb } = way.command
  const name = scene.loaded.ok ? scene.loaded.settings.mention : 'muster'
  const answer: Document =
    verb === 'help'
      ? helpReply()
      : way.command.verb === 'invalid'
        ? invalidReply(way.command.reason)
        : noteReply(`There is no task in this conversation yet. \`@${name} build\` (or the label) starts one.`)
  await reply(deps, scene, answer)
  const decision: Decision =
    verb === 'help'
      ? { outcome: 'accepted', reason: 'help', detail: '' }
      : {
          outcome: 'refused',
          reason: verb === 'invalid' ? 'bad_argument' : 'no_task',
          detail: 'there is no task in this conversation',
        }
  await decideOnly(deps, scene, decision)
}
