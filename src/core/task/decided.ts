import type { GateResult } from '../environments/gates.ts'
import type { ChannelName } from '../said.ts'
import type { Standing } from '../standing.ts'

/** A GitHub account; authority is always asked for the numeric id. */
export interface Person {
  readonly id: number
  readonly login: string
}

/** Where a decision was made, as people are told; undefined in histories from before 0.4. */
export interface Whence {
  readonly channel: ChannelName | 'github'
  /** The comment, thread or ticket; undefined where nobody knows its address. */
  readonly url: string | undefined
}

export interface Approval {
  readonly gate: 'plan' | 'deploy'
  readonly hash: string
  readonly sha: string | undefined
  readonly by: Person | 'settings'
  readonly at: number
  readonly from?: Whence | undefined
  /** Undefined for plans, and in histories from before 0.5. */
  readonly certificate?: Certificate | undefined
}

/** What an approval of a deploy rests on, beside the plan and the SHA that it names. It stands in the history with the approval, under the chain. */
export interface Certificate {
  /** What the commit holds, whatever it is called. */
  readonly tree: string | undefined
  /** The hash of the settings of the environment. */
  readonly policy: string | undefined
  /** What the gates said when it was asked for. */
  readonly gates: readonly GateResult[]
  /** What whoever approved was in the repository then; undefined where the settings approve, or only write permission was asked for. */
  readonly standing: Standing | undefined
  /** From when on it counts no more, ms since the epoch. */
  readonly expiresAt: number
}

/** What people decided at a gate. */
export interface Settled {
  readonly what: SettledAs
  readonly by: Person
  /** ms since the epoch */
  readonly at: number
  readonly from?: Whence | undefined
}
export type SettledAs =
  | 'plan approved'
  | 'plan rejected'
  | 'plan changed'
  | 'deploy approved'
  | 'deploy rejected'
  | 'questions answered'
  | 'budget extended'
  | 'baseline accepted'
  | 'baseline again'
