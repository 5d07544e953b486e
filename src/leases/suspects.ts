import { SUSPECT } from '../core/poison.ts'
import type { Claim, Leases } from './types.ts'

/** `done`, or somebody else has it; `suspect`: done as the one suspect of its time; `later`: suspected, and not its turn. */
export type Ended = 'done' | 'suspect' | 'later'

/**
 * Takes the lease of a piece of work and does it. Suspected work is done while no other suspect is at work: it may be what
 * uses up the machine. Its lease is not even touched before that.
 */
export async function withLease(
  leases: Pick<Leases, 'acquire'>,
  name: string,
  action: (claim: Claim) => Promise<void>,
): Promise<Ended> {
  const claim = await leases.acquire(name, SUSPECT)
  if (claim) {
    await action(claim)
    return 'done'
  }
  const turn = await leases.acquire('suspect')
  if (!turn) return 'later'
  try {
    const suspect = await leases.acquire(name)
    if (suspect) await action(suspect)
    return suspect ? 'suspect' : 'done'
  } finally {
    await turn.release()
  }
}

/** Whatever keeps a suspect from being tried says nothing for it: it stays one. */
export async function keepingCount<T>(claim: Claim, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    await claim.postpone().catch(() => {})
    throw error
  }
}
