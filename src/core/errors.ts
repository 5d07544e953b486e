/**
 * An error with two voices: `message` (and `hint`) may be read by the person in the thread,
 * `cause` is for the operator's log only.
 */
export class UserError extends Error {
  readonly code: string
  /** What the reader can do about it, one sentence. */
  readonly hint: string | undefined
  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'UserError'
    this.code = code
    this.hint = options.hint
  }
}

/** A service cannot answer now: nobody did anything wrong, and it is tried again. `message` says which, for people. */
export class Unavailable extends Error {
  /** What the service asks to be waited for, ms. */
  readonly retryAfterMs: number | undefined
  constructor(message: string, options: { retryAfterMs?: number | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'Unavailable'
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Whether an error says that there is no room left on a disk. */
export function isDiskFull(error: unknown): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (('code' in inner && inner.code === 'ENOSPC') || /ENOSPC|no space left on device/i.test(inner.message))
      return true
  return false
}

/** The same for people. */
export function diskFull(cause: unknown): UserError {
  return new UserError('disk_full', 'There is no room left on the disk of the machine that Muster works on.', {
    hint: 'The operator should make room there; then `retry`.',
    cause,
  })
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The same with what it was caused by: for the operator's log. */
export function causesOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? ` ← ${causesOf(error.cause)}` : ''
  return `${messageOf(error)}${cause}`
}

/** What a person in the thread may read of an error: never the inside of an unexpected one. */
export function publicMessage(error: unknown): string {
  if (error instanceof UserError) return error.hint ? `${error.message} ${error.hint}` : error.message
  return 'Something went wrong inside Muster; the details are in its log.'
}
