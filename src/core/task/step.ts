/** What a step waits for that is parked. `watch`: it looks again; `deploy_gate`: a gate may open by itself. */
export const PARKED_FOR = ['model_busy', 'model_credit', 'git_busy', 'watch', 'deploy_gate'] as const

/** A step that waits for something outside: its journal is kept, and nothing that was paid for is paid again. */
export interface Parked {
  readonly why: (typeof PARKED_FOR)[number]
  readonly since: number
  /** When it is tried again by itself. */
  readonly until: number
}

/** What a step does that may last. */
export type Doing =
  | { readonly kind: 'model' | 'clone' | 'deploy' | 'watch' }
  | { readonly kind: 'command'; readonly command: string }

/** A failure as the person in the thread may read it. */
export interface StepError {
  readonly code: string
  readonly message: string
}

/** A failure of the model itself, which nobody in the thread can mend. */
export function isOfModel(code: string): boolean {
  return code.startsWith('agent_')
}
