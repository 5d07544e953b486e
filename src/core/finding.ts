/** One thing that was looked at, and what to do where it is not right. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  readonly fix?: string | undefined
}
