import { SendError } from '../channels/types.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { githubKey, type Heard } from '../core/heard.ts'
import { isDecided, knownSource, wholeDecision } from '../core/inbound.ts'
import { SUSPECT } from '../core/poison.ts'
import { backoffMs } from '../core/retry.ts'
import { keepingCount } from '../leases/suspects.ts'
import type { Claim } from '../leases/types.ts'
import { Fenced, Settled, type StoredInbound } from '../store/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { startFromApi } from './api.ts'
import { hear, hearElsewhere } from './hear.ts'
import { drainLane } from './lanes.ts'
import { quarantine } from './quarantine.ts'
import { isFinal, refusalText, sayRefused } from './refused.ts'
import type { InboxDeps } from './scene.ts'
import { welcome } from './welcome.ts'

/** How long a platform that does not answer is asked again. */
const GIVE_UP_MS = 24 * 3_600_000
/** What this version does not know is looked at again after this. */
const NEWER_MS = 60_000

/** Handles a stored event, and whatever waits in the same conversation: decides what becomes of it and says so. Each event is decided once. */
export function inboxHandler(deps: InboxDeps): (eventId: string) => Promise<void> {
  return async (eventId) => {
    const stored = await deps.store.inbox.get(eventId)
    if (!stored || isDecided(stored.event)) return
    const lane = stored.lane ?? `event:${eventId}`
    if (stored.lane === undefined) await deps.store.inbox.setLane(eventId, lane)
    const { account = eventId } = stored
    // Where too much of that account is under way already, the sweeper finds the event again.
    const place = await deps.bulkhead(account, () => drained(deps)(lane))
    if (place === 'beside')
      deps.log('warn', 'an event takes long, and the others are not kept waiting', { event: eventId, account })
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
      const from = knownSource(source)
      if (from === undefined) return await leftToNewer(deps, stored)
      if (from === 'api') return await startFromApi(deps, id, receivedAt, stored.body, claim.fence)
      if (from !== 'github') return await hearElsewhere(deps, from, stored, claim.fence)
      const read = deps.receiver.read(kind, stored.body)
      const heard = 'what' in read ? await withPull(deps, read) : read
      if ('ignored' in heard)
        return await deps.store.inbox.decide(
          id,
          { outcome: 'ignored', reason: heard.ignored, detail: heard.detail },
          {},
        )
      if ('granted' in heard) return await welcome(deps, id, heard)
      // Too large to be looked into on arrival: now its lane is known, and whatever else waits there comes first.
      if (stored.lane !== heard.key && stored.lane?.startsWith('event:')) {
        await deps.store.inbox.setLane(id, heard.key)
        return await moved(heard.key)
      }
      await hear(deps, stored, heard, claim.fence)
    } catch (error) {
      await failed(deps, stored, receivedAt, error)
    }
  })
}

/** Told by a commit alone: where that is talked about, GitHub knows. */
async function withPull(deps: InboxDeps, heard: Heard): Promise<Heard> {
  const { what, repository } = heard
  if (what.type !== 'awaited') return heard
  const pull = await deps.platform.pullOf(repository, what.sha)
  if (!pull) return heard
  const { sender } = heard
  const isOthers = sender.isBot && sender.id !== (await deps.platform.self()).id
  // Who merges by a bot wants what they wrote live.
  const by = isOthers ? { ...pull.author, isBot: false } : sender
  return { ...heard, key: githubKey(repository.id, pull.number), sender: by, what: { ...what, pull } }
}

/** What a newer version took in waits for its processes. */
async function leftToNewer(deps: InboxDeps, { event }: StoredInbound): Promise<void> {
  deps.log('warn', 'an event of a newer version is left to its processes', { event: event.id, source: event.source })
  await deps.store.inbox.postpone(
    event.id,
    `${event.source} is not known to this version`,
    new Date(deps.now() + NEWER_MS),
  )
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
  if (isFinal(error) || deps.now() - receivedAt > GIVE_UP_MS) {
    const reason = error instanceof UserError ? error.code : error instanceof SendError ? 'platform_refused' : 'failed'
    const detail = refusalText(error)
    const decision = { outcome: 'refused', reason, detail } as const
    // Whoever cannot be told either is not: that must not keep the event from being decided.
    await sayRefused(deps, stored, detail).catch(() => {})
    return deps.store.inbox.decide(
      eventId,
      { ...wholeDecision(stored.parts, decision), outcome: 'refused', reason },
      {},
    )
  }
  // Asked to wait by the provider, nothing is asked before; and not by all who wait at once.
  const asked = error instanceof SendError ? (error.retryAfterMs ?? 0) : 0
  const retryAt = new Date(deps.now() + asked + backoffMs(attempts, deps.random(), 500, 5 * 60_000))
  await deps.store.inbox.postpone(eventId, `tried ${attempts} times; it is tried again`, retryAt)
  throw error
}
