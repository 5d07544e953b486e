import { HttpError } from './errors.ts'

export interface RetryOptions {
  /** How often it is tried in all, from 1 on. */
  readonly tries: number
  /** The first pause and the longest one, in ms. */
  readonly first: number
  readonly most: number
  readonly passes: (error: unknown) => boolean
  readonly sleep: (ms: number) => Promise<void>
  /** A number from 0 up to 1, without it. */
  readonly random: () => number
}

/** What an error of a server's own, or too many requests, is. */
export function isPassing(error: unknown): boolean {
  return error instanceof HttpError && (error.status === 429 || error.status >= 500)
}

/** Calls something until it succeeds, or has been tried often enough. @throws what it threw last */
export async function withRetries<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { tries, passes, sleep } = options
  for (let nth = 1; ; nth++) {
    try {
      return await call()
    } catch (error) {
      if (nth >= tries || !passes(error)) throw error
      await sleep(pauseAfter(nth, options))
    }
  }
}

/** Doubles with each try; the upper half of it by chance, so that many do not come back at once. */
function pauseAfter(nth: number, { first, most, random }: RetryOptions): number {
  const pause = Math.min(most, first * 2 ** (nth - 1))
  return pause / 2 + (pause / 2) * random()
}
