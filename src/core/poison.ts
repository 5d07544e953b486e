/**
 * Work that ends the processes that try it, told from work that was only there when they ended (reliability.md R16). Whoever
 * kills a process says nothing about its work, however often; so deaths only make work a suspect. A suspect is tried in a
 * process of its own, and the end of that one alone counts.
 */

/** So many processes that ended at the same point of some work, one after the other, make it a suspect. */
export const SUSPECT = 2
/** A suspect's own process may be killed so often (by the kernel for its memory, or by somebody) before that counts as its doing. */
export const KILLED = 5

/** Signals that a process brings on itself: an abort (V8 out of memory too), a wrong access, a wrong instruction. */
const OWN: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'])

/** How the process of a suspect ended. */
export interface End {
  /** Its work was over, well or not, or it had been told to stop. */
  readonly over: boolean
  /** The work got further in it than ever before: what happened at an earlier point counts no more. */
  readonly progressed: boolean
  readonly code: number | null
  readonly signal: string | null
}

export type Verdict = { readonly kind: 'over' | 'poison' } | { readonly kind: 'again'; readonly killed: number }

/** @param killed how often a process of this suspect was killed before, at the same point */
export function verdictOf({ over, progressed, signal }: End, killed: number): Verdict {
  if (over) return { kind: 'over' }
  if (progressed) return { kind: 'again', killed: 0 }
  const own = signal === null || OWN.has(signal)
  return own || killed + 1 >= KILLED ? { kind: 'poison' } : { kind: 'again', killed: killed + 1 }
}
