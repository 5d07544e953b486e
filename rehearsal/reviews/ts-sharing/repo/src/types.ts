export interface User {
  readonly id: number
  readonly isAdmin: boolean
  /** Undefined: in none. */
  readonly team?: string
}

export interface Doc {
  readonly owner: number
  /** Undefined: a document of the owner's own. */
  readonly team?: string
  readonly isLocked: boolean
}
