/** Work that waits for a worker; `delivery` names what it goes back to, for the log. The queue is a hint: everything in it can be found again in the database. */
export type Job =
  | { readonly name: 'inbound'; readonly eventId: string }
  | {
      readonly name: 'step'
      readonly taskId: string
      readonly step: string
      readonly attempt: number
      readonly delivery?: string | undefined
    }
  | { readonly name: 'wake'; readonly taskId: string; readonly dueAt: number; readonly delivery?: string | undefined }

export type Handlers = { readonly [Name in Job['name']]: (job: Extract<Job, { name: Name }>) => Promise<void> }

export interface Queue {
  /** Adds a job; one that already waits or runs under the same identity is not added again. */
  add(job: Job, delayMs?: number): Promise<void>
  /** Begins to work. Handlers that throw are tried again a few times; then the sweeper finds what was left. */
  start(handlers: Handlers): Promise<void>
  /** Stops taking jobs and waits for those that run, at most `graceMs`. */
  close(graceMs: number): Promise<void>
  ping(): Promise<void>
}
