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

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What a person in the thread may read of an error: never the inside of an unexpected one. */
export function publicMessage(error: unknown): string {
  if (error instanceof UserError) return error.hint ? `${error.message} ${error.hint}` : error.message
  return 'Something went wrong inside Muster; the details are in its log.'
}
