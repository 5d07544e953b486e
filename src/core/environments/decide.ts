import type { EffectIntent, Thread } from '../effects.ts'
import { hashOf } from '../hash.ts'
import { evolveEnvironment, isCarried, isSame, lineOf, turnsOf } from './evolve.ts'
import { frozenAt } from './freeze.ts'
import type {
  EnvironmentCommand,
  EnvironmentEvent,
  EnvironmentRef,
  EnvironmentState,
  Turn,
  TurnTold,
  WaitsFor,
  Wanted,
} from './types.ts'

/** The whole outcome of a command: stored in one transaction. */
export interface EnvironmentOutcome {
  readonly state: EnvironmentState
  readonly events: readonly EnvironmentEvent[]
  readonly effects: readonly EffectIntent[]
  /** Why, in a word. */
  readonly reason: string
  /** When it wants to be looked at if nothing else happens, ms since the epoch. */
  readonly wakeAt: number | undefined
}

/** Decides a command on an environment, lets whoever is next have its turn, and derives what the tasks are told. Pure. */
export function decideEnvironment(
  before: EnvironmentState | undefined,
  { repository, name }: EnvironmentRef,
  command: EnvironmentCommand,
  now: number,
): EnvironmentOutcome {
  const events: EnvironmentEvent[] = []
  let state = before
  const add = (event: EnvironmentEvent): EnvironmentState => {
    events.push(event)
    return (state = evolveEnvironment(state, event, now))
  }
  let known = state ?? add({ type: 'environment.seen', repository, name })
  const { reason, events: own } = decideOne(known, command)
  for (const event of own) known = add(event)
  const back = recalled(known, now)
  if (back) known = add(back)
  const next = nextTurn(known, now)
  if (next) known = add({ type: 'turn.given', task: next.task, release: next.release, nth: next.nth })
  return {
    state: known,
    events,
    effects: [...carriedTold(known, events), ...told(before, known, now)],
    reason,
    wakeAt: wakeAt(known, now),
  }
}

interface Decided {
  readonly reason: string
  readonly events: readonly EnvironmentEvent[]
}

function decideOne(state: EnvironmentState, command: EnvironmentCommand): Decided {
  switch (command.type) {
    case 'turn':
      return turn(state, command.wanted, command.freeze)
    case 'lock':
      return state.lock
        ? { reason: 'locked_already', events: [] }
        : {
            reason: 'locked',
            events: [{ type: 'lock.set', by: command.by, reason: command.reason, from: command.from }],
          }
    case 'unlock':
      return state.lock
        ? { reason: 'unlocked', events: [{ type: 'lock.lifted', by: command.by, from: command.from }] }
        : { reason: 'not_locked', events: [] }
    case 'lift': {
      const found = state.quarantine.find(({ sha }) => sha.startsWith(command.sha))
      const { by, from } = command
      return found
        ? { reason: 'lifted', events: [{ type: 'quarantine.lifted', sha: found.sha, by, from }] }
        : { reason: 'not_quarantined', events: [] }
    }
    case 'look':
      return { reason: 'looked', events: [] }
  }
}

/** What a task wants, compared with what is known of it: said twice, it is done once. */
function turn(state: EnvironmentState, wanted: Wanted, windows: EnvironmentState['freeze']): Decided {
  // Whoever asks anew has read the settings last.
  const read: EnvironmentEvent[] = hashOf(windows) === hashOf(state.freeze) ? [] : [{ type: 'freeze.read', windows }]
  const { task, release, nth } = wanted
  const who = { task, release, nth }
  const known = turnsOf(state).find((one) => isSame(one, wanted))
  if (wanted.state === 'out') {
    const { sha, tree, takenBackTo: to, verdict } = wanted
    const isUnsure = verdict === 'not enough evidence'
    const back: EnvironmentEvent[] =
      to === undefined
        ? []
        : [{ type: 'release.taken_back', ...who, sha, tree, to, ...(isUnsure ? { isUnsure: true } : {}) }]
    // It gave its turn up before it was judged, and was judged, or taken back, after all.
    const isLive = state.live?.task === task && state.live.release === release && state.live.sha === sha
    const hadShare = isLive && state.live?.percent !== undefined && wanted.percent === undefined
    const over: EnvironmentEvent = { type: 'turn.over', ...who, verdict, ...(hadShare ? { isWhole: true } : {}) }
    if (!known)
      return isLive && (back.length > 0 || hadShare || (verdict && !state.live?.verdict))
        ? { reason: 'judged', events: [over, ...back] }
        : { reason: 'not_there', events: [] }
    const live: EnvironmentEvent[] = wanted.isLive && known.liveAt === undefined ? [liveEvent(wanted)] : []
    const isGood = wanted.isLive && verdict !== undefined && verdict !== 'regressed' && to === undefined
    return { reason: 'over', events: [...live, over, ...back, ...(isGood ? carried(state, known) : [])] }
  }
  if (!known) {
    const {
      conversationId,
      sha,
      tree,
      by,
      watchSeconds,
      goesBack,
      recalls,
      mayGoBack,
      committed,
      isAuto,
      carries,
      isTried,
    } = wanted
    const how = {
      ...(goesBack ? { goesBack } : {}),
      ...(isTried ? { isTried } : {}),
      ...(recalls ? { recalls } : {}),
      ...(mayGoBack ? { mayGoBack } : {}),
      ...(committed ? { committed } : {}),
      ...(isAuto ? { isAuto } : {}),
      ...(carries ? { carries } : {}),
    }
    const asked = { ...who, conversationId, sha, tree, by, watchSeconds, ...how }
    return { reason: 'asked', events: [...read, { type: 'turn.asked', turn: asked }] }
  }
  return wanted.isLive && known.liveAt === undefined && known.givenAt !== undefined
    ? { reason: 'live', events: [liveEvent(wanted)] }
    : { reason: 'known', events: [] }
}

/** Who waits, was asked for by nobody, and is live with what was found to be no worse: many merges are one release. */
function carried({ queue }: EnvironmentState, by: Turn): EnvironmentEvent[] {
  return queue
    .filter((turn) => isCarried(turn, [by]))
    .map(({ task, release, nth }) => ({
      type: 'turn.carried',
      task,
      release,
      nth,
      by: { task: by.task, sha: by.sha },
    }))
}

function liveEvent({ task, release, nth, leaves, percent }: Wanted): EnvironmentEvent {
  const how = { ...(leaves ? { leaves } : {}), ...(percent === undefined ? {} : { percent }) }
  return { type: 'turn.live', task, release, nth, ...how }
}

/** So long a wish to have something taken back counts: whoever said it saw what was live then. */
const RECALL_MS = 15 * 60_000

/** What is live and watched goes back at once where somebody who waits leaves just that; not past a lock. */
function recalled({ holder, lock, queue, live }: EnvironmentState, now: number): EnvironmentEvent | undefined {
  if (lock || !holder || holder.liveAt === undefined || holder.recalledBy) return undefined
  const hasShare = live?.percent !== undefined && live.task === holder.task && live.release === holder.release
  if (!holder.mayGoBack && !hasShare) return undefined
  const wish = queue.find(({ recalls, askedAt }) => recalls === holder.sha && now - askedAt < RECALL_MS)
  const { task, release, nth } = holder
  return wish && { type: 'turn.recalled', task, release, nth, by: wish.by }
}

/** Whose turn it is now; undefined: nobody's, or somebody has it. */
function nextTurn(state: EnvironmentState, now: number): Turn | undefined {
  const [first] = lineOf(state.queue)
  if (state.holder || state.lock || !first) return undefined
  return frozenAt(state.freeze, now) && !first.goesBack ? undefined : first
}

function wakeAt({ holder, lock, queue, freeze }: EnvironmentState, now: number): number | undefined {
  return holder || lock || queue.length === 0 ? undefined : frozenAt(freeze, now)?.until
}

/** What each release is told that asked for its turn: those for which something has changed. */
function told(before: EnvironmentState | undefined, after: EnvironmentState, now: number): EffectIntent[] {
  const place: Thread = { repository: after.repository, number: 0 }
  const [frozen, wasFrozen] = [frozenAt(after.freeze, now), frozenAt(before?.freeze ?? [], now)]
  return turnsOf(after).flatMap((turn): EffectIntent[] => {
    const tells = toldTo(after, turn, frozen, now)
    const known =
      before && turnsOf(before).some((one) => isSame(one, turn)) ? toldTo(before, turn, wasFrozen, now) : undefined
    if (known && hashOf(withoutTime(known)) === hashOf(withoutTime(tells))) return []
    const { task, release, nth } = turn
    return [{ key: `turn:${task}:${release}`, body: { kind: 'task.turn', place, task, release, nth, turn: tells } }]
  })
}

/** Those whose turn does not come. */
function carriedTold({ repository }: EnvironmentState, events: readonly EnvironmentEvent[]): EffectIntent[] {
  const place: Thread = { repository, number: 0 }
  return events.flatMap((event): EffectIntent[] => {
    if (event.type !== 'turn.carried') return []
    const { task, release, nth, by } = event
    const turn = { state: 'carried', by } as const
    return [{ key: `turn:${task}:${release}`, body: { kind: 'task.turn', place, task, release, nth, turn } }]
  })
}

/** When it may be its turn changes with each moment; nobody is told of that alone. */
function withoutTime(tells: TurnTold): unknown {
  return tells.state === 'waits' ? { ...tells, about: undefined } : tells
}

type Frozen = ReturnType<typeof frozenAt>

function toldTo(state: EnvironmentState, turn: Turn, frozen: Frozen, now: number): TurnTold {
  if (state.holder && isSame(state.holder, turn)) {
    const { recalledBy } = state.holder
    return { state: 'given', ...(recalledBy ? { recalledBy } : {}) }
  }
  const position = lineOf(state.queue).findIndex((one) => isSame(one, turn)) + 1
  return { state: 'waits', position, why: waitsFor(state, frozen), about: aboutWhen(state, position, frozen, now) }
}

function waitsFor({ holder, lock, queue }: EnvironmentState, frozen: Frozen): WaitsFor {
  if (lock) return { kind: 'lock', by: lock.by, reason: lock.reason, since: lock.at }
  if (frozen) return { kind: 'freeze', ...frozen }
  const first = holder ?? lineOf(queue)[0]
  // Whoever waits, waits for something: of a queue that nobody holds up, the first has its turn.
  if (!first) throw new Error('nobody is waited for')
  const { sha, by, givenAt, askedAt, recalledBy } = first
  return { kind: 'release', sha, by, since: givenAt ?? askedAt, ...(recalledBy ? { recalledBy } : {}) }
}

/** How long a deploy takes where none is known yet. */
const USUAL_MS = 60_000

/** When it may be somebody's turn: what those before them take to go live and to be watched. Nobody knows when a lock is lifted. */
function aboutWhen(state: EnvironmentState, position: number, frozen: Frozen, now: number): number | undefined {
  if (state.lock) return undefined
  const { holder, queue, took } = state
  const usual = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? USUAL_MS
  const whole = ({ watchSeconds }: Turn) => usual + watchSeconds * 1000
  const rest = holder && !holder.recalledBy ? Math.max(0, (holder.givenAt ?? now) + whole(holder) - now) : 0
  const ahead = lineOf(queue)
    .slice(0, position - 1)
    .reduce((sum, one) => sum + whole(one), 0)
  return Math.max(now, frozen?.until ?? now) + rest + ahead
}
