import { block, type Cost, FULL, type Limits, type RateState, take } from '../core/rate.ts'
import type { RateStore } from '../store/types.ts'

/** What an account may still send, shared by all processes. */
export interface Limiter {
  /** Takes what a request costs. @returns how long to wait first; 0: it may leave now, and is paid for */
  take(account: string, cost: Cost): Promise<number>
  /** The provider asked to wait. */
  block(account: string, until: number): Promise<void>
}

const MOST_KNOWN = 10_000

/** Token buckets over the store: read once, then changed by compare-and-set, so that a lone process writes once a request. */
export function sharedLimiter(store: RateStore, limitsOf: (account: string) => Limits, now: () => number): Limiter {
  const known = new Map<string, { version: number; state: RateState }>()

  /** What is forgotten is read again. */
  function remember(account: string, entry: { version: number; state: RateState }): void {
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(account, entry)
  }

  async function change<T>(account: string, decide: (state: RateState) => { next?: RateState; result: T }): Promise<T> {
    for (;;) {
      const current = known.get(account) ?? (await store.get(account)) ?? { version: 0, state: FULL }
      const { next, result } = decide(current.state)
      if (!next) {
        // Somebody else may have given back or blocked meanwhile: the next look is a fresh one.
        known.delete(account)
        return result
      }
      if (await store.set(account, current.version, next)) {
        remember(account, { version: current.version + 1, state: next })
        return result
      }
      known.delete(account)
    }
  }

  return {
    take: (account, cost) =>
      change(account, (state) => {
        const taken = take(state, limitsOf(account), cost, now())
        return taken.ok ? { next: taken.state, result: 0 } : { result: taken.waitMs }
      }),
    block: (account, until) => change(account, (state) => ({ next: block(state, until), result: undefined })),
  }
}

/** No limits, where the provider is our own. */
export function noLimiter(): Limiter {
  return { take: async () => 0, block: async () => {} }
}
