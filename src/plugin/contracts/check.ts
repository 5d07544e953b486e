/**
 * What a module of a kind owes, as checks that any test runner can run: a new one is finished when they pass.
 * Each throws an `AssertionError` that says what is missing.
 */
export interface ContractCheck {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The checks of a suite, in their order; one may go on from what the one before it has left. */
export function checks(all: Readonly<Record<string, () => void | Promise<void>>>): readonly ContractCheck[] {
  return Object.entries(all).map(([name, run]) => ({ name, run: async () => run() }))
}
