import { type Claimant, environmentKey, type EnvironmentEvent, type EnvironmentState, type Turn } from './types.ts'

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
        queue: [...state.queue, { ...event.turn, askedAt: at, givenAt: undefined, liveAt: undefined }],
      }
    case 'turn.given': {
      const turn = state.queue.find((one) => isSame(one, event))
      return turn ? { ...state, holder: { ...turn, givenAt: at }, queue: without(state.queue, event) } : state
    }
    case 'turn.live':
      return live(state, event, at)
    case 'turn.over':
      return over(state, event)
    case 'lock.set':
      return { ...state, lock: { by: event.by, reason: event.reason, at, from: event.from } }
    case 'lock.lifted':
      return { ...state, lock: undefined }
    default:
      return unknownEvent(event)
  }
}

function live(state: EnvironmentState, event: Claimant, at: number): EnvironmentState {
  const { holder } = state
  if (!holder || !isSame(holder, event)) return state
  const { sha, task, release, givenAt = at } = holder
  return {
    ...state,
    holder: { ...holder, liveAt: at },
    live: { sha, task, release, since: at, verdict: undefined },
    took: [...state.took, at - givenAt].slice(-KEEP_TOOK),
  }
}

function over(state: EnvironmentState, event: Extract<EnvironmentEvent, { type: 'turn.over' }>): EnvironmentState {
  const isIts = state.live?.task === event.task && state.live.release === event.release
  return {
    ...state,
    holder: state.holder && isSame(state.holder, event) ? undefined : state.holder,
    queue: without(state.queue, event),
    ...(isIts && state.live && event.verdict ? { live: { ...state.live, verdict: event.verdict } } : {}),
  }
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
