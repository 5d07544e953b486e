import type { Verdict } from '../artefacts.ts'
import {
  type Claimant,
  environmentKey,
  type EnvironmentEvent,
  type EnvironmentState,
  type Live,
  type Quarantined,
  type Turn,
} from './types.ts'

/** So many deploys are remembered for what those who wait are told. */
const KEEP_TOOK = 10

type Seen = Extract<EnvironmentEvent, { type: 'environment.seen' }>

/** The state after an event. @param at ms since the epoch */
export function evolveEnvironment(
  state: EnvironmentState | undefined,
  event: EnvironmentEvent,
  at: number,
): EnvironmentState {
  if (event.type === 'environment.seen') {
    if (state) throw new Error(`the environment ${state.key} is known already`)
    return first(event)
  }
  if (!state) throw new Error(`the history of an environment begins with ${event.type}`)
  return { ...change(state, event, at), version: state.version + 1 }
}

function first({ repository, name }: Seen): EnvironmentState {
  return {
    key: environmentKey(repository, name),
    repository,
    name,
    version: 1,
    live: undefined,
    quarantine: [],
    holder: undefined,
    queue: [],
    lock: undefined,
    freeze: [],
    took: [],
  }
}

function change(state: EnvironmentState, event: Exclude<EnvironmentEvent, Seen>, at: number): EnvironmentState {
  switch (event.type) {
    case 'freeze.read':
      return { ...state, freeze: event.windows }
    case 'turn.asked':
      return {
        ...state,
        queue: inLine(state.queue, { ...event.turn, askedAt: at, givenAt: undefined, liveAt: undefined }),
      }
    case 'turn.given': {
      const turn = state.queue.find((one) => isSame(one, event))
      return turn ? { ...state, holder: { ...turn, givenAt: at }, queue: without(state.queue, event) } : state
    }
    case 'turn.live':
      return live(state, event, at)
    case 'turn.recalled':
      return state.holder && isSame(state.holder, event)
        ? { ...state, holder: { ...state.holder, recalledBy: event.by } }
        : state
    case 'turn.carried':
      return { ...state, queue: without(state.queue, event) }
    case 'turn.over':
      return over(state, event)
    case 'release.taken_back':
      return takenBack(state, event, at)
    case 'quarantine.lifted':
      return { ...state, quarantine: state.quarantine.filter(({ sha }) => sha !== event.sha) }
    case 'lock.set':
      return { ...state, lock: { by: event.by, reason: event.reason, at, from: event.from } }
    case 'lock.lifted':
      return { ...state, lock: undefined }
    default:
      return unknownEvent(event)
  }
}

/** Whoever goes back goes before those that do not. */
function inLine(queue: readonly Turn[], turn: Turn): readonly Turn[] {
  const back = queue.filter(({ goesBack }) => goesBack)
  const on = queue.filter(({ goesBack }) => !goesBack)
  return turn.goesBack ? [...back, turn, ...on] : [...queue, turn]
}

function live(
  state: EnvironmentState,
  event: Extract<EnvironmentEvent, { type: 'turn.live' }>,
  at: number,
): EnvironmentState {
  const { holder } = state
  if (!holder || !isSame(holder, event)) return state
  const { sha, tree, task, release, givenAt = at, goesBack } = holder
  const known = state.live
  const left = event.leaves ?? known?.sha
  return {
    ...state,
    holder: { ...holder, liveAt: at },
    live: {
      sha,
      tree,
      task,
      release,
      since: at,
      verdict: undefined,
      ...(goesBack ? { isBack: true } : {}),
      ...(event.percent === undefined ? {} : { percent: event.percent }),
    },
    before: known,
    // People went back from it: that is kept out as well.
    quarantine:
      goesBack && left && left !== sha
        ? kept(state.quarantine, { sha: left, tree: known?.sha === left ? known.tree : undefined, to: sha, task, at })
        : state.quarantine,
    took: [...state.took, at - givenAt].slice(-KEEP_TOOK),
  }
}

function over(state: EnvironmentState, event: Extract<EnvironmentEvent, { type: 'turn.over' }>): EnvironmentState {
  const isIts = state.live?.task === event.task && state.live.release === event.release
  return {
    ...state,
    holder: state.holder && isSame(state.holder, event) ? undefined : state.holder,
    queue: without(state.queue, event),
    ...(isIts && state.live && event.verdict ? { live: judged(state.live, event.verdict, event.isWhole) } : {}),
  }
}

function judged({ percent, ...live }: Live, verdict: Verdict, isWhole: boolean | undefined): Live {
  return { ...live, verdict, ...(percent === undefined || isWhole ? {} : { percent }) }
}

/** So many commits are remembered that were taken back. */
const KEEP_QUARANTINE = 50

function kept(all: readonly Quarantined[], one: Quarantined): readonly Quarantined[] {
  return [...all.filter(({ sha }) => sha !== one.sha), one].slice(-KEEP_QUARANTINE)
}

function takenBack(
  state: EnvironmentState,
  { sha, tree, to, task, release, isUnsure }: Extract<EnvironmentEvent, { type: 'release.taken_back' }>,
  at: number,
): EnvironmentState {
  const { before, quarantine } = state
  return {
    ...state,
    // It serves as it did before, with the verdict that it had.
    live: {
      ...(before?.sha === to ? before : { sha: to, task, release, since: at, verdict: undefined }),
      isBack: true,
    },
    before: undefined,
    quarantine: isUnsure ? quarantine : kept(quarantine, { sha, tree, to, task, at }),
  }
}

/** Whether a release that nobody asked for need not go by itself: another one like it has its commit. */
export function isCarried({ sha, isAuto }: Turn, others: readonly Turn[]): boolean {
  return isAuto === true && others.some((one) => one.isAuto && one.carries?.includes(sha))
}

/** Who waits, in the order in which their turns come: what another one has comes after all of them, in case that one does not go live. */
export function lineOf(queue: readonly Turn[]): readonly Turn[] {
  const after = queue.filter((turn) => isCarried(turn, queue))
  return after.length === 0 ? queue : [...queue.filter((turn) => !after.includes(turn)), ...after]
}

/** Whoever has it, then those who wait. */
export function turnsOf({ holder, queue }: Pick<EnvironmentState, 'holder' | 'queue'>): readonly Turn[] {
  return holder ? [holder, ...queue] : queue
}

export function isSame(a: Claimant, b: Claimant): boolean {
  return a.task === b.task && a.release === b.release && a.nth === b.nth
}

function without(queue: readonly Turn[], one: Claimant): readonly Turn[] {
  return queue.filter((turn) => !isSame(turn, one))
}

function unknownEvent(event: never): never {
  throw new Error(`not known to this version: ${JSON.stringify(event).slice(0, 200)}`)
}
