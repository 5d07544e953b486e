/** A claim on a piece of work: writes with it succeed only while it is the newest and has not run out, by the database's clock. */
export interface Fence {
  readonly table: 'lease' | 'effect_lane'
  readonly name: string
  readonly token: string
}

/** Work that this process has for now. */
export interface Claim {
  /** Goes into every write. */
  readonly fence: Fence
  /** How many processes ended while they had it, one after the other, without its getting any further. */
  readonly crashes: number
  /** Aborted when somebody else may have it: the reason is a `Lost`. */
  readonly signal: AbortSignal
  /** Whether it can still be ours, by this process's monotonic clock: asked right before something leaves. */
  isMine(): boolean
  release(): Promise<void>
  /** Gives it back for later: how many processes ended at it is remembered. */
  postpone(): Promise<void>
  /** The work got further: who ended at an earlier point of it counts no more. */
  progressed(): Promise<void>
  /** Forgets it without a word to the database: it was given back otherwise. */
  drop(): void
}

/** Why work is stopped that somebody else may have taken over. */
export class Lost extends Error {}

/** Why work is stopped that nobody wants any more: it was cancelled, or begun anew. */
export class Unwanted extends Error {}

/** The leases of this process: taken, prolonged while the work goes on, and noticed when they are lost. */
export interface Leases {
  /** The name of this process in leases. */
  readonly holder: string
  readonly ttlMs: number
  /**
   * @param below where given, work at which so many processes ended is left alone
   * @returns undefined when somebody else has it
   */
  acquire(name: string, below?: number): Promise<Claim | undefined>
  /** Prolongs a claim that was taken otherwise (a lane of the outbox, or by the process that this one belongs to). */
  keep(fence: Fence, crashes?: number): Claim
  /** Processes that are known to have ended: what they had is free. */
  dead(): Promise<readonly string[]>
  start(): Promise<void>
  /** Gives everything back. */
  stop(): Promise<void>
}

/** Suspected work, as a process of its own is told of it. */
export type ApartJob =
  | { readonly kind: 'step'; readonly taskId: string; readonly step: string; readonly attempt: number }
  | { readonly kind: 'event'; readonly id: string }

/**
 * Does suspected work in a process of its own, and tries it again where that one was only killed.
 * @param claim what this process has of it; the other one works in its name
 * @returns `over`: it was done, or told to stop; `poison`: it ended its process
 * @throws what the work throws
 */
export type Apart = (job: ApartJob, claim: Claim, signal: AbortSignal) => Promise<'over' | 'poison'>

/** Leases, as the database keeps them. */
export interface LeaseStore {
  /**
   * Takes a lease that nobody has.
   * @param dead holders known to have died: a lease of theirs is free, and counts a crash
   * @returns how many processes ended while they had it, one after the other; undefined: somebody has it
   */
  acquire(
    name: string,
    holder: string,
    ttlMs: number,
    dead: readonly string[],
    below?: number,
  ): Promise<{ token: string; crashes: number } | undefined>
  holder(name: string): Promise<string | undefined>
  /** Those of these leases that a living process has. */
  live(names: readonly string[], dead: readonly string[]): Promise<ReadonlySet<string>>
  /** Prolongs claims. @returns those that still hold */
  renew(fences: readonly Fence[], ttlMs: number): Promise<Fence[]>
  release(fence: Fence): Promise<void>
  /** Sets the count of a lease back to nothing. */
  forgive(fence: Fence): Promise<void>
  /** Frees a lease, and keeps its count. */
  postpone(fence: Fence): Promise<void>
}

export interface ProcessRow {
  readonly id: string
  readonly host: string
  readonly kind: string
  readonly version: string
  readonly startedAt: Date
  readonly seenAt: Date
  /** ms since it was last seen, by the database's clock. */
  readonly silentMs: number
}

export interface ProcessStore {
  /** Says that this process lives. */
  beat(process: Pick<ProcessRow, 'id' | 'host' | 'kind' | 'version'>): Promise<void>
  list(): Promise<ProcessRow[]>
  leave(id: string): Promise<void>
}
