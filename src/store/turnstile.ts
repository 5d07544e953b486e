/** A statement of the embedded database ends without the event loop having turned: after so long, what waits there has its turn. */
const TURN_MS = 10
/** More than this nobody has to make up for. */
const MOST_AHEAD_MS = 100
/** Whoever goes on after a statement asks for its next one within so many turns of the event loop. */
const TURNS = 2

/**
 * Lets one statement at a time into the embedded database, which has one session: arriving events share its time with
 * everything else, half and half where both have enough to do, rather than wait behind all of it.
 */
export class Turnstile {
  readonly #urgent: (() => void)[] = []
  readonly #others: (() => void)[] = []
  #busy = false
  /** How much more of it urgent ones had, ms. */
  #ahead = 0
  #turnedAt = 0
  readonly #now: () => number

  /** @param now ms, monotonic */
  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** Runs an action when its turn has come. */
  async run<T>(urgent: boolean, action: () => Promise<T>): Promise<T> {
    await this.#turn(urgent)
    const began = this.#now()
    try {
      return await action()
    } finally {
      const took = this.#now() - began
      this.#ahead = Math.max(0, Math.min(MOST_AHEAD_MS, this.#ahead + (urgent ? took : -took)))
      if (this.#now() - this.#turnedAt < TURN_MS) this.#next()
      else setImmediate(() => this.#next())
    }
  }

  #turn(urgent: boolean): Promise<void> {
    if (!this.#busy) {
      this.#busy = true
      return Promise.resolve()
    }
    return new Promise((go) => (urgent ? this.#urgent : this.#others).push(go))
  }

  /** @param turns how often it was waited for others, who have some time to make up for */
  #next(turns = 0): void {
    if (this.#now() - this.#turnedAt >= TURN_MS) this.#turnedAt = this.#now()
    const owes = this.#ahead > 0
    if (owes && this.#others.length === 0 && this.#urgent.length > 0 && turns < TURNS)
      return void setImmediate(() => this.#next(turns + 1))
    const go = (owes ? this.#others.shift() : undefined) ?? this.#urgent.shift() ?? this.#others.shift()
    if (go) go()
    else this.#busy = false
  }
}
