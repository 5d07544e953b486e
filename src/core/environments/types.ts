import type { Verdict } from '../artefacts.ts'
import type { Person, Repository, Whence } from '../task/types.ts'
import type { FreezeWindow } from './freeze.ts'

/**
 * An environment is an aggregate beside the tasks: it has a history and a chain of its own, and says whose turn it is. Tasks tell it
 * what they want, and are told what comes of that, by effects alone; neither is ever written with the other.
 */

/** A release of a task; `nth` counts how often it has asked for its turn. */
export interface Claimant {
  readonly task: string
  readonly release: number
  readonly nth: number
}

/** What a task wants of an environment, as it stands with the task now: told again, it changes nothing. */
export interface Wanted extends Claimant {
  readonly conversationId: string
  readonly sha: string
  readonly by: Person
  readonly watchSeconds: number
  /** `in`: it wants its turn, or has it; `out`: it is over, however. */
  readonly state: 'in' | 'out'
  /** It serves. */
  readonly isLive: boolean
  readonly verdict: Verdict | undefined
  /** What its commit holds. */
  readonly tree: string | undefined
  /** What was live before is wanted back: it goes first, and no freeze holds it up. */
  readonly goesBack?: true | undefined
  /** It is tried to find a commit: nobody wants it to stay. */
  readonly isTried?: true | undefined
  /** Whoever goes back has this taken back, though it is watched yet: nobody waits for a verdict that somebody has given. */
  readonly recalls?: string | undefined
  /** There is a way back from it. */
  readonly mayGoBack?: true | undefined
  /** What it replaced, where it goes back. */
  readonly leaves?: string | undefined
  /** When the changes were committed that it brings: some dozens at most. */
  readonly committed?: readonly Committed[] | undefined
  /** Nobody asked for it: the settings deploy what is merged. */
  readonly isAuto?: true | undefined
  /** The commits that it brings beside its own: whoever waits with one of them need not go by itself. */
  readonly carries?: readonly string[] | undefined
  /** It has a share of the requests alone, so many percent at first. */
  readonly percent?: number | undefined
  /** It was taken back: what serves again. */
  readonly takenBackTo?: string | undefined
}

/** One that waits, or has the environment. */
export interface Turn extends Claimant {
  readonly conversationId: string
  readonly sha: string
  readonly by: Person
  readonly watchSeconds: number
  /** ms since the epoch, as all times here */
  readonly askedAt: number
  /** When it got the environment; undefined while it waits. */
  readonly givenAt: number | undefined
  readonly liveAt: number | undefined
  readonly goesBack?: true | undefined
  readonly isTried?: true | undefined
  readonly tree?: string | undefined
  readonly recalls?: string | undefined
  readonly mayGoBack?: true | undefined
  readonly isAuto?: true | undefined
  /** The commits that it brings beside its own. */
  readonly carries?: readonly string[] | undefined
  /** When its changes were committed; undefined where that is not known, and in histories from before 0.5. */
  readonly committed?: readonly Committed[] | undefined
  /** Whoever wants it taken back before it is judged. */
  readonly recalledBy?: Person | undefined
}

/** A commit that was taken back: nothing that has it goes live there again, until it is mended or somebody says so. */
export interface Quarantined {
  readonly sha: string
  readonly tree: string | undefined
  /** What was gone back to. */
  readonly to: string
  readonly task: string
  readonly at: number
}

/** Nobody deploys while it stands; whatever was under way goes on to its verdict. */
export interface Lock {
  readonly by: Person
  readonly reason: string
  readonly at: number
  readonly from: Whence | undefined
}

/** What serves, as the tasks have told. Before a deploy the target itself is asked. */
export interface Live {
  readonly sha: string
  readonly task: string
  readonly release: number
  readonly since: number
  readonly verdict: Verdict | undefined
  readonly tree?: string | undefined
  /** It has a share of the requests, so many percent at first: what was live before has the rest. */
  readonly percent?: number | undefined
  /** It was put back. */
  readonly isBack?: true | undefined
}

/** The state of an environment: the fold of its events. */
export interface EnvironmentState {
  /** `env:<owner>/<name>:<environment>`, the name of its lease as well. */
  readonly key: string
  readonly repository: Repository
  readonly name: string
  readonly version: number
  readonly live: Live | undefined
  /** What was live before that, with its verdict. */
  readonly before?: Live | undefined
  /** The newest last. */
  readonly quarantine: readonly Quarantined[]
  /** Whose turn it is: until its verdict. */
  readonly holder: Turn | undefined
  /** Who waits, the first first. */
  readonly queue: readonly Turn[]
  readonly lock: Lock | undefined
  /** When nothing is deployed, by the settings as they were read last. */
  readonly freeze: readonly FreezeWindow[]
  /** How long the last deploys took until they served, ms, the newest last: what those who wait are told rests on it. */
  readonly took: readonly number[]
}

export type EnvironmentEvent =
  | { readonly type: 'environment.seen'; readonly repository: Repository; readonly name: string }
  | { readonly type: 'freeze.read'; readonly windows: readonly FreezeWindow[] }
  | { readonly type: 'turn.asked'; readonly turn: Omit<Turn, 'askedAt' | 'givenAt' | 'liveAt'> }
  | ({ readonly type: 'turn.given' } & Claimant)
  /** `leaves`: what it has replaced, where it goes back. */
  | ({
      readonly type: 'turn.live'
      readonly leaves?: string | undefined
      /** So many percent of the requests at first; undefined: all. */
      readonly percent?: number | undefined
    } & Claimant)
  /** What nobody asked for is live with another release that has it. */
  | ({ readonly type: 'turn.carried'; readonly by: CarriedBy } & Claimant)
  /** It is live, and somebody goes back from it. */
  | ({ readonly type: 'turn.recalled'; readonly by: Person } & Claimant)
  | ({
      readonly type: 'turn.over'
      readonly verdict: Verdict | undefined
      /** It has all requests now, and had a share before. */
      readonly isWhole?: true | undefined
    } & Claimant)
  | ({
      readonly type: 'release.taken_back'
      readonly sha: string
      readonly tree: string | undefined
      readonly to: string
      /** Nobody can tell whether it is any worse: it is not kept out. */
      readonly isUnsure?: true | undefined
    } & Claimant)
  | {
      readonly type: 'quarantine.lifted'
      readonly sha: string
      readonly by: Person
      readonly from: Whence | undefined
    }
  | {
      readonly type: 'lock.set'
      readonly by: Person
      readonly reason: string
      readonly from: Whence | undefined
    }
  | { readonly type: 'lock.lifted'; readonly by: Person; readonly from: Whence | undefined }

export type EnvironmentCommand =
  | { readonly type: 'turn'; readonly wanted: Wanted; readonly freeze: readonly FreezeWindow[] }
  | { readonly type: 'lock'; readonly by: Person; readonly reason: string; readonly from: Whence | undefined }
  | { readonly type: 'unlock'; readonly by: Person; readonly from: Whence | undefined }
  /** Somebody says that a commit may go live there again. */
  | { readonly type: 'lift'; readonly sha: string; readonly by: Person; readonly from: Whence | undefined }
  /** A time has come. */
  | { readonly type: 'look' }

/** Which environment. */
export interface EnvironmentRef {
  readonly repository: Repository
  readonly name: string
}

/** Its key, and the name of its lease. */
export function environmentKey(repository: Pick<Repository, 'owner' | 'name'>, name: string): string {
  return `env:${repository.owner}/${repository.name}:${name}`
}

/** A change; `at` in ms since the epoch. */
export interface Committed {
  readonly sha: string
  readonly at: number
}

/** A release that has another one. */
export interface CarriedBy {
  readonly task: string
  readonly sha: string
}

/** What a release that asked for its turn is told. */
export type TurnTold =
  /** Its turn does not come: what it has goes live with another one. */
  | { readonly state: 'carried'; readonly by: CarriedBy }
  | {
      readonly state: 'given'
      /** Whoever wants it taken back, though it is watched yet. */
      readonly recalledBy?: Person | undefined
    }
  | {
      readonly state: 'waits'
      /** Counted from 1: how many get their turn until then. */
      readonly position: number
      readonly why: WaitsFor
      /** When it may be its turn, ms since the epoch; undefined where nobody can tell. */
      readonly about: number | undefined
    }

/** What is told of a turn that comes. */
export type TurnComing = Exclude<TurnTold, { state: 'carried' }>

/** What has to end first. */
export type WaitsFor =
  | {
      readonly kind: 'release'
      readonly sha: string
      readonly by: Person
      readonly since: number
      /** It is being taken back, as somebody said. */
      readonly recalledBy?: Person | undefined
    }
  | { readonly kind: 'lock'; readonly by: Person; readonly reason: string; readonly since: number }
  | { readonly kind: 'freeze'; readonly until: number; readonly reason: string }
