export interface Row {
  readonly said: string
  /** What waits or runs in the conversation. */
  readonly at: At
  /** `team` may write to the repository; `requester` too, and asked for the work; `reader` may only read; `author` wrote the issue, and may only read. */
  readonly by?: 'requester' | 'team' | 'reader' | 'author'
  /** What it is taken for: a reason of a decision, or what begins. */
  readonly is: string
  /** Words of the answer; undefined: nothing is said. */
  readonly answer?: string
}
export type At = 'nothing' | 'tests' | 'question' | 'work' | 'plan' | 'deploy' | 'end'

/** The same of several texts. */
export const same = (said: readonly string[], at: At, is: string, answer?: string): Row[] =>
  said.map((one) => ({ said: one, at, is, ...(answer === undefined ? {} : { answer }) }))
