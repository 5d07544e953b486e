import type { ApartJob, Fence } from '../../leases/types.ts'
import type { Queue } from '../../queue/types.ts'
import type {
  ApplyInput,
  Environment,
  Restorable,
  RestoreInput,
  Target,
  Tools,
  WeighInput,
} from '../../releases/types.ts'
import type { Store } from '../../store/types.ts'

/** What a process is handed that works on a suspect in another's name. */
export interface Handed {
  readonly job: ApartJob
  /** The other's claim on it, and how many processes ended at it. */
  readonly fence: Fence
  readonly crashes: number
  /** Where the other keeps clones; this one has a folder in there. */
  readonly workDir: string
  /** The database's clock, ms since the epoch. */
  readonly now: number
}

/** What of a deploy can be sent to another process. */
export type ApplyRequest = Omit<ApplyInput, 'unpack' | 'tools' | 'mayAct' | 'signal'>

/** A target of another process. */
export type FarTarget = Pick<Target, 'current' | 'observe' | 'log' | 'probe' | 'samples' | 'measuredSince'> & {
  apply(request: ApplyRequest): Promise<void>
  restorable(environment: Environment): Promise<readonly Restorable[]>
  restore(request: Omit<RestoreInput, 'mayAct' | 'signal'>): Promise<void>
  weigh(request: Omit<WeighInput, 'mayAct' | 'signal'>): Promise<void>
}

/** What the process that has the database serves. */
export interface ParentSide {
  readonly store: Omit<Store, 'now'>
  readonly queue: Pick<Queue, 'add' | 'addMany' | 'restore' | 'ping'>
  readonly targets: Readonly<Record<string, FarTarget>>
  readonly work: {
    /** The work begins: what ends the process from now on may be its doing. */
    begins(): Promise<void>
    /** Something is there to be sent. */
    kick(): Promise<void>
  }
}

/** What the other one serves. */
export interface ChildSide {
  /** Does the work, to its end. @throws what the work throws */
  work(handed: Handed): Promise<void>
  /** Its event loop turns. */
  answers(): Promise<void>
  /** Ends it before that. @param lost somebody else may have it by now */
  stop(lost: boolean): Promise<void>
  /** Puts the files that the deploy under way is of into a folder. */
  unpack(dir: string): Promise<void>
  /** The versions that the commands of that deploy are run with. */
  tools(commands: readonly string[]): Promise<Tools>
}
