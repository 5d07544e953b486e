/** After so long, what is handled for an account gives up its place, and goes on beside the others. */
const SLOW_MS = 2000
/** So much of one account, and of all of them, may be going on beside. */
const MOST_OF_ONE = 32
const MOST = 128

export interface BulkheadDeps {
  /** Calls back once, later; the answer takes that back. */
  readonly after: (ms: number, call: () => void) => () => void
  /** Work that nobody waits for any more has failed. */
  readonly failed: (error: unknown) => void
}

/**
 * `done`: it is over, `beside`: it goes on without taking a place, `full`: nothing was begun, because much of that account is still
 * under way.
 */
export type Handled = 'done' | 'beside' | 'full'

/**
 * Keeps one account whose service does not answer from taking the places of all others (a bulkhead: M. Nygard, *Release It!*).
 * @throws what the work throws, as long as it is waited for
 */
export type Bulkhead = (account: string, work: () => Promise<void>) => Promise<Handled>

export function bulkhead({ after, failed }: BulkheadDeps): Bulkhead {
  const beside = new Map<string, number>()
  let all = 0
  const count = (account: string, by: 1 | -1) => {
    all += by
    const now = (beside.get(account) ?? 0) + by
    if (now === 0) beside.delete(account)
    else beside.set(account, now)
  }
  return async (account, work) => {
    if ((beside.get(account) ?? 0) >= MOST_OF_ONE) return 'full'
    const running = work().then(() => 'done' as const)
    let takeBack = () => {}
    const slow = new Promise<'slow'>((resolve) => (takeBack = after(SLOW_MS, () => resolve('slow'))))
    const first = await Promise.race([running, slow]).finally(() => takeBack())
    // Where too much goes on beside already, it keeps its place.
    if (first === 'done' || all >= MOST) return running
    count(account, 1)
    void running.catch(failed).finally(() => count(account, -1))
    return 'beside'
  }
}
