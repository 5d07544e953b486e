import { BREAKER, type BreakerState, CLOSED, failedAt, mayTry, succeeded } from '../core/breaker.ts'

interface Account {
  busy: number
  pausedUntil: number
  /** The provider asked for the pause. */
  blockedUntil: number
  breaker: BreakerState
}

/** What is under way for each account in this process, and which of them had better wait. */
export class Accounts {
  readonly #accounts = new Map<string, Account>()
  readonly #now: () => number
  readonly #perAccount: number

  /** @param perAccount how much of one account may be under way at once: one that hangs does not take the places of the others */
  constructor(now: () => number, perAccount: number) {
    this.#now = now
    this.#perAccount = perAccount
  }

  #of(name: string): Account {
    const known = this.#accounts.get(name)
    if (known) return known
    const fresh: Account = { busy: 0, pausedUntil: 0, blockedUntil: 0, breaker: CLOSED }
    this.#accounts.set(name, fresh)
    return fresh
  }

  /** Accounts from which nothing should be taken now. */
  waiting(): string[] {
    const now = this.#now()
    return [...this.#accounts]
      .filter(
        ([, account]) =>
          account.busy >= this.#perAccount || account.pausedUntil > now || account.breaker.openUntil > now,
      )
      .map(([name]) => name)
  }

  /** When the next of them may go on; undefined: none waits for a time. */
  next(): number | undefined {
    const now = this.#now()
    const times = [...this.#accounts.values()]
      .map((account) => Math.max(account.pausedUntil, account.breaker.openUntil))
      .filter((at) => at > now)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  /** @returns how long to wait; 0: begun */
  begin(name: string): number {
    const account = this.#of(name)
    const now = this.#now()
    if (account.pausedUntil > now) return account.pausedUntil - now
    const may = mayTry(account.breaker, BREAKER, now)
    if (!may.ok) return may.waitMs
    account.breaker = may.state
    return 0
  }

  enter(name: string): void {
    this.#of(name).busy++
  }

  leave(name: string): void {
    const account = this.#of(name)
    account.busy--
    const idle = account.busy === 0 && account.pausedUntil <= this.#now() && account.breaker === CLOSED
    if (idle) this.#accounts.delete(name)
  }

  pause(name: string, until: number): void {
    const account = this.#of(name)
    account.pausedUntil = Math.max(account.pausedUntil, until)
  }

  /** How long its provider asked to be left alone, from now. */
  pausedMs(name: string): number {
    return Math.max(0, (this.#accounts.get(name)?.blockedUntil ?? 0) - this.#now())
  }

  /** The provider asked to be left alone: also by what has begun and not left yet. */
  block(name: string, until: number): void {
    const account = this.#of(name)
    account.blockedUntil = Math.max(account.blockedUntil, until)
    this.pause(name, until)
  }

  worked(name: string): void {
    this.#of(name).breaker = succeeded()
  }

  /** @returns whether nothing is tried any more for a while */
  broke(name: string): boolean {
    const account = this.#of(name)
    account.breaker = failedAt(account.breaker, BREAKER, this.#now())
    return account.breaker.openUntil > 0
  }
}
