import type { Claim, Leases } from './types.ts'

/** Work that was under way when processes ended so often is suspected of having ended them. */
const SUSPECT = 2

/**
 * Takes the lease of a piece of work and does it. Suspected work is done while no other suspect is at work, and its lease is not
 * even touched before that: what was only there when a process ended comes through, and what ended it is found.
 */
export async function withLease(
  leases: Pick<Leases, 'acquire'>,
  name: string,
  action: (claim: Claim) => Promise<void>,
): Promise<void> {
  const claim = await leases.acquire(name, SUSPECT)
  if (claim) return action(claim)
  const turn = await leases.acquire('suspect')
  // Its turn comes later, or somebody has it.
  if (!turn) return
  try {
    const suspect = await leases.acquire(name)
    if (suspect) await action(suspect)
  } finally {
    await turn.release()
  }
}
