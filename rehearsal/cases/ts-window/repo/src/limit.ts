import { Ring } from './ring.ts'

export interface Limit {
  /** Whether one more is allowed now; it counts when it is. @param now ms */
  take(now: number): boolean
  /** How long until the next one is allowed, in ms; 0 where it is now. */
  waitMs(now: number): number
}

/** At most `most` in any `windowMs`, as a sliding window has it. */
export function slidingWindow(most: number, windowMs: number): Limit {
  const taken = new Ring(most)
  const isFull = (now: number) => {
    const oldest = taken.oldest()
    return taken.size === most && oldest !== undefined && now - oldest <= windowMs
  }
  return {
    take(now) {
      if (isFull(now)) return false
      taken.push(now)
      return true
    },
    waitMs(now) {
      const oldest = taken.oldest()
      return isFull(now) && oldest !== undefined ? oldest + windowMs - now : 0
    },
  }
}
