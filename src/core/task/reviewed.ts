import type { ReviewAnswer } from '../artefacts.ts'
import type { Person } from './decided.ts'

/** A review comment as the webhook brought it. Inline comments have a thread; a review's own text has none. */
export interface ReviewComment {
  readonly id: number
  readonly reviewId: number
  readonly thread: boolean
  /** The first comment of the thread, to which replies are attached. */
  readonly rootId: number
  readonly author: Person
  readonly body: string
  readonly path: string | undefined
  readonly line: number | undefined
}

/** One review comment and what became of it. */
export interface LedgerEntry {
  readonly comment: ReviewComment
  readonly outcome: ReviewAnswer['outcome'] | 'open'
  readonly sha: string | undefined
}
