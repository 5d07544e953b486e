/** The last numbers that were pushed, as many as fit. */
export class Ring {
  readonly #items: number[] = []
  readonly #most: number
  #next = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#items.length
  }

  push(item: number): void {
    this.#items[this.#next] = item
    this.#next = (this.#next + 1) % this.#most
  }

  /** The one that was pushed first of those that are there. */
  oldest(): number | undefined {
    return this.#items[0]
  }
}
