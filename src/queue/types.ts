import type { Role } from '../core/roles.ts'

/** Work that waits for a worker; `delivery` names what it goes back to, for the log. The queue is a hint: everything in it can be found again in the database. */
export type Job =
  | { readonly name: 'inbound'; readonly eventId: string }
  | {
      readonly name: 'step'
      readonly taskId: string
      readonly step: string
      readonly role: Role
      readonly attempt: number
      /** For a step that waits for something: until when. */
      readonly dueAt?: number | undefined
      readonly delivery?: string | undefined
    }
  | { readonly name: 'wake'; readonly taskId: string; readonly dueAt: number; readonly delivery?: string | undefined }

export type Handlers = { readonly [Name in Job['name']]: (job: Extract<Job, { name: Name }>) => Promise<void> }

export interface AddOptions {
  readonly delayMs?: number | undefined
  /** The lower, the sooner; 1 is the soonest. */
  readonly priority?: number | undefined
}

/** Which kinds of work a process takes. */
export interface Consume {
  readonly inbound: number
  readonly wake: number
  /** How many steps of each role at once; roles that are missing are left to other workers. */
  readonly roles: Readonly<Partial<Record<Role, number>>>
}

/** Raised when the queue is out of reach. What was to be queued is found again in the database. */
export class QueueDown extends Error {}

export interface Queue {
  /** Adds a job; one that already waits or runs under the same identity is not added again. @throws QueueDown */
  add(job: Job, options?: AddOptions): Promise<void>
  /** Adds many of one kind in one go. @throws QueueDown */
  addMany(jobs: readonly { readonly job: Job; readonly priority: number }[]): Promise<void>
  /** Adds jobs that ought to be waiting and may have been lost: those that do wait are left alone. @returns how many were added */
  restore(jobs: readonly { readonly job: Job; readonly priority: number; readonly delayMs: number }[]): Promise<number>
  /** Begins to work. A handler that throws is tried again a few times; then the sweeper finds what was left. */
  start(handlers: Handlers, consume: Consume): Promise<void>
  /** Takes work of one more role, or no more of it. */
  consume(role: Role, concurrency: number): Promise<void>
  /** Stops taking jobs and waits for those that run, at most `graceMs`. */
  close(graceMs: number): Promise<void>
  ping(): Promise<void>
}
