/**
 * Work that ends the processes that try it, told from work that was only there when they ended (reliability.md R16). Whoever
 * kills a process says nothing about its work, however often; so deaths only make work a suspect. A suspect is tried in a
 * process of its own, and the end of that one alone counts.
 */

/** So many processes that ended at the same point of some work, one after the other, make it a suspect. */
export const SUSPECT = 2
/** So often in a row a suspect's own process may run out of memory, or answer no more, before that counts as its doing. */
export const CHANCES = 5

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
  /** The kernel killed something for its memory meanwhile; undefined where that cannot be known. */
  readonly shortOfMemory: boolean | undefined
  /** It answered no more, and was ended for that. */
  readonly silent: boolean
}

/** `chances`: how many of them are used up; `killed`: how often it was killed for no reason of its own, which counts for nothing. */
export interface Tries {
  readonly chances: number
  readonly killed: number
}

export type Verdict = { readonly kind: 'over' | 'poison' } | ({ readonly kind: 'again' } & Tries)

/** @param before what came of the tries before, at the same point */
export function verdictOf(end: End, before: Tries): Verdict {
  if (end.over) return { kind: 'over' }
  if (end.progressed) return { kind: 'again', chances: 0, killed: 0 }
  if (!end.silent && (end.signal === null || OWN.has(end.signal))) return { kind: 'poison' }
  if (!end.silent && end.shortOfMemory === false) return { kind: 'again', ...before, killed: before.killed + 1 }
  const chances = before.chances + 1
  return chances >= CHANCES ? { kind: 'poison' } : { kind: 'again', ...before, chances }
}

/** So many deaths at one suspect are bad luck; what follows takes everything down with it, and is slowed down. */
const LUCK = 5
const LONGEST_PAUSE_MS = 15_000

/**
 * How long a suspect waits before it is tried: work that takes the whole installation down (a memory limit on a group of
 * processes) cannot be told from bad luck, and must not keep it from everything else.
 * @param deaths how many processes ended at it, or were killed
 */
export function pauseMs(deaths: number): number {
  return deaths <= LUCK ? 0 : Math.min(LONGEST_PAUSE_MS, 500 * 2 ** (deaths - LUCK))
}
