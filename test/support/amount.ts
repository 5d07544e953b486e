/** `npm run test:security` takes everything; `npm test` a share of it, another one each day, so that it stays quick. */
export const isFull = process.env['MUSTER_TESTS'] === 'full'
const SHARE = 12

/** All of it, or every twelfth. */
export function* share<T>(all: Iterable<T>): Generator<T> {
  const start = Math.floor(Date.now() / 86_400_000) % SHARE
  let index = 0
  for (const one of all) if (index++ % SHARE === start || isFull) yield one
}

/** How many runs of a property. */
export function runs(full: number, quick: number): number {
  return isFull ? full : quick
}
