/** What was asked for last, by name: a map that forgets what nobody asked for longest. A promise that fails is forgotten at once. */
export class Recent<K, V> {
  readonly #kept = new Map<K, V>()
  readonly #most: number
  readonly #forgotten: (value: V) => void

  /** @param most how many are kept @param forgotten told of what had to go for others */
  constructor(most: number, forgotten: (value: V) => void = () => {}) {
    this.#most = most
    this.#forgotten = forgotten
  }

  /** What is kept under a name; made where nothing is. */
  get(key: K, make: () => V): V {
    const known = this.#kept.get(key)
    const value = known ?? make()
    if (known === undefined && value instanceof Promise)
      value.catch(() => {
        if (this.#kept.get(key) === value) this.#kept.delete(key)
      })
    this.#kept.delete(key)
    this.#kept.set(key, value)
    const [oldest] = this.#kept
    if (this.#kept.size > this.#most && oldest) {
      this.#kept.delete(oldest[0])
      this.#forgotten(oldest[1])
    }
    return value
  }
}
