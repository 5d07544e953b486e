/** Runs actions with the same key one after the other; different keys run side by side. */
export function keyedQueue(): <T>(key: string, action: () => Promise<T>) => Promise<T> {
  const tails = new Map<string, Promise<unknown>>()
  return async (key, action) => {
    const before = tails.get(key) ?? Promise.resolve()
    const mine = before.then(action, action)
    const tail = mine.catch(() => {})
    tails.set(key, tail)
    try {
      return await mine
    } finally {
      if (tails.get(key) === tail) tails.delete(key)
    }
  }
}
