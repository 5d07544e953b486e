import { brokenLink, type ChainEnd, type Link } from '../chain.ts'
import { canonicalJson } from '../hash.ts'
import { evolveEnvironment } from './evolve.ts'
import type { EnvironmentEvent, EnvironmentState } from './types.ts'

/** An event as it is stored. */
export interface Recorded {
  readonly seq: number
  readonly event: EnvironmentEvent
  readonly at: Date
  readonly actor: string
  readonly reason: string
  readonly hash: string
}

/** Replays the history of an environment, and compares it with the stored state and the hash chain. @returns what is wrong */
export function environmentProblems(
  { state, chain }: { readonly state: EnvironmentState; readonly chain: ChainEnd },
  events: readonly Recorded[],
): string[] {
  const broken = brokenLink(
    events.map((one) => linkOf(state.key, one)),
    chain,
  )
  return [
    ...(broken ? [broken] : []),
    ...(events.length === state.version
      ? []
      : [`the state is at version ${state.version}, but there are ${events.length} events`]),
    ...(isReplayed(state, events) ? [] : ['replaying the events gives another state than the stored one']),
  ]
}

function linkOf(key: string, { event, at, hash, seq, actor, reason }: Recorded): Link & { readonly hash: string } {
  const { type, ...data } = event
  return { taskId: key, seq, type, data, at: at.getTime(), actor, reason, hash }
}

function isReplayed(state: EnvironmentState, events: readonly Recorded[]): boolean {
  try {
    let replayed: EnvironmentState | undefined
    for (const { event, at } of events) replayed = evolveEnvironment(replayed, event, at.getTime())
    return canonicalJson(replayed) === canonicalJson(state)
  } catch {
    return false
  }
}
