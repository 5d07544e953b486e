import type { ChannelName } from '../said.ts'

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
