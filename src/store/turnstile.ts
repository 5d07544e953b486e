/**
 * Lets one statement at a time into the embedded database, which has one session: arriving events take turns with
 * everything else, rather than wait behind all of it.
 */
export class Turnstile {
  readonly #urgent: (() => void)[] = []
  readonly #others: (() => void)[] = []
  #busy = false
  #urgentLast = false

  /** Runs an action when its turn has come. */
  async run<T>(urgent: boolean, action: () => Promise<T>): Promise<T> {
    await this.#turn(urgent)
    try {
      return await action()
    } finally {
      this.#next()
    }
  }

  #turn(urgent: boolean): Promise<void> {
    if (!this.#busy) {
      this.#busy = true
      return Promise.resolve()
    }
    return new Promise((go) => (urgent ? this.#urgent : this.#others).push(go))
  }

  /** Urgent ones first, but never two of them in a row while something else waits. */
  #next(): void {
    const urgentNow = this.#urgent.length > 0 && (!this.#urgentLast || this.#others.length === 0)
    const go = urgentNow ? this.#urgent.shift() : (this.#others.shift() ?? this.#urgent.shift())
    this.#urgentLast = urgentNow
    if (go) go()
    else this.#busy = false
  }
}
