import type { Deployed, ReleasePlan, ReleaseReport, RolledBack, Watch } from '../artefacts.ts'
import type { Bisect, Bisected } from '../bisect.ts'
import type { Awaits } from '../command.ts'
import type { GateResult } from '../environments/gates.ts'
import type { TurnTold } from '../environments/types.ts'
import type { Person } from './decided.ts'

export interface Release {
  readonly index: number
  readonly environment: string
  readonly ref: string | undefined
  readonly requester: Person
  /** Nobody asked: the settings deploy what is merged. Undefined in histories from before 0.5. */
  readonly isAuto?: true | undefined
  readonly plan: ReleasePlan | undefined
  readonly deploymentId: number | undefined
  readonly deployed: Deployed | undefined
  readonly report: ReleaseReport | undefined
  /** What was live before is wanted back; undefined: something new is deployed, and in histories from before 0.5. */
  readonly goesBack?: true | undefined
  /** What waits on GitHub to deploy it, and asked for it. */
  readonly awaits?: Awaits | undefined
  /** One of a row that finds out which commit made something worse. */
  readonly bisect?: Bisect | undefined
  /** Nothing is left to be tried: what came of that row. */
  readonly bisected?: Bisected | undefined
  /** Whoever wanted it taken back before it was judged. */
  readonly recalledBy?: Person | undefined
  /** Undefined where nothing was taken back. */
  readonly rolledBack?: RolledBack | undefined
  /** Its turn on the environment; undefined before it asks for one, and in histories from before 0.5. */
  readonly turn?: ReleaseTurn | undefined
  /** It did not get its turn at once. */
  readonly hasWaited?: boolean | undefined
  /** What the gates wait for; undefined where they do not. */
  readonly gated?: readonly GateResult[] | undefined
  /** Where its watch stands; undefined before the first look, and in histories from before 0.5. */
  readonly watch?: Watch | undefined
}

/** Whose turn it is, the environment says. `nth` counts how often it was asked. */
export interface ReleaseTurn {
  readonly nth: number
  readonly state: 'asked' | 'waits' | 'given' | 'over'
  /** What it was told last while it waited. */
  readonly told?: Extract<TurnTold, { state: 'waits' }> | undefined
}

/** A release that waits until the one before it is over. */
export interface Awaiting {
  readonly environment: string
  readonly ref: string
  readonly by: Person
  readonly awaits: Awaits
}
