export type Gate =
  | { readonly kind: 'question'; readonly questions: readonly string[]; readonly openedAt: number }
  | {
      readonly kind: 'plan'
      readonly hash: string
      readonly openedAt: number
      readonly reason: string
      /** There was another plan before: an approval must say which it means. */
      readonly amended?: boolean | undefined
    }
  | {
      readonly kind: 'deploy'
      readonly hash: string
      readonly sha: string
      readonly environment: string
      readonly openedAt: number
    }
  | { readonly kind: 'budget'; readonly openedAt: number; readonly step: string }
  /** The tests cannot be run: whether to go on without them. */
  | { readonly kind: 'baseline'; readonly openedAt: number; readonly attempt: number }

/** What is decided by an approval or a rejection. */
export type Approvable = Extract<Gate, { kind: 'plan' | 'deploy' }>

/** A gate as it is opened; when, the event says. */
export type GateOpened =
  | { readonly kind: 'question'; readonly questions: readonly string[] }
  | { readonly kind: 'plan'; readonly hash: string; readonly reason: string; readonly amended?: boolean | undefined }
  | { readonly kind: 'deploy'; readonly hash: string; readonly sha: string; readonly environment: string }
  | { readonly kind: 'budget'; readonly step: string }
  | { readonly kind: 'baseline'; readonly attempt: number }
