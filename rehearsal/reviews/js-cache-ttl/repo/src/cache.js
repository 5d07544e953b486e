/** A cache of so many entries; the one that was used longest ago goes first. */
export class Cache {
  #entries = new Map()
  #most

  constructor(most) {
    this.#most = most
  }

  get size() {
    return this.#entries.size
  }

  /** @returns undefined where it is not there */
  get(key) {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key, value) {
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.value = value
      this.#touch(key, entry)
      return
    }
    this.#entries.set(key, { value })
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value)
  }

  #touch(key, entry) {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }
}
