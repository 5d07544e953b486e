/** A cache of so many entries; the one that was used longest ago goes first. An entry may have an end. */
export class Cache {
  #entries = new Map()
  #most
  #now

  /** @param now the time in ms, for tests */
  constructor(most, now = Date.now) {
    this.#most = most
    this.#now = now
  }

  get size() {
    return this.#entries.size
  }

  /** @returns undefined where it is not there, or over */
  get(key) {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.ends <= this.#now()) {
      this.#entries.delete(key)
      return undefined
    }
    this.#touch(key, entry)
    return entry.value
  }

  /** @param ttl for how long it counts, in ms; for ever, if not said */
  set(key, value, ttl = Infinity) {
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.value = value
      this.#touch(key, entry)
      return
    }
    this.#entries.set(key, { value, ends: this.#now() + ttl })
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value)
  }

  #touch(key, entry) {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }
}
