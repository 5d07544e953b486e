const WINDOW_MS = 60_000
/** BullMQ's lowest priority is 2^21. */
const LOWEST = 2_000_000

/**
 * Fair shares among accounts (start-time fair queueing with equal weights, simplified): the n-th job of an account within a
 * minute gets rank n, so that one that floods the queue waits behind everybody else's first ones; what was asked for
 * before counts half with every minute that passes.
 */
export class FairShares {
  readonly #served = new Map<string, number>()
  #since = 0

  /** @returns the rank of the account's next job, 1 the soonest */
  rank(account: string, now: number): number {
    if (now - this.#since >= WINDOW_MS) this.#age(now)
    const rank = Math.min(LOWEST, (this.#served.get(account) ?? 0) + 1)
    this.#served.set(account, rank)
    return rank
  }

  #age(now: number): void {
    this.#since = now
    for (const [account, count] of this.#served) {
      if (count < 2) this.#served.delete(account)
      else this.#served.set(account, Math.floor(count / 2))
    }
  }
}
