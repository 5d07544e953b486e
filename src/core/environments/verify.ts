import { type ChainEnd, historyProblems, type Link } from '../chain.ts'
import { canonicalJson } from '../hash.ts'
import { evolveEnvironment } from './evolve.ts'
import type { EnvironmentEvent, EnvironmentState } from './types.ts'

/** An event as it is stored, with who brought it about, and why. */
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
  const links = events.map((one) => linkOf(state.key, one))
  return historyProblems(links, chain, state.version, isReplayed(state, events))
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
