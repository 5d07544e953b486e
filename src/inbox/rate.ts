/** Whether somebody may give a command now: `told` is the first one too many, which they are told of; `no` any further. */
export type Allowance = 'yes' | 'told' | 'no'

/** What is taken of one person (security.md 61): no way to spend a team's budget by hand. */
export const PERSON = { burst: 30, perMinute: 10 } as const

interface Bucket {
  readonly tokens: number
  readonly at: number
  readonly told: boolean
}

/**
 * A token bucket for each person: at most `burst` commands at once, and `perMinute` in the long run (security.md 61).
 * @param now ms since the epoch
 */
export function personLimiter(burst: number, perMinute: number, now: () => number): (who: string) => Allowance {
  const buckets = new Map<string, Bucket>()
  return (who) => {
    const at = now()
    const bucket = buckets.get(who) ?? { tokens: burst, at, told: false }
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 60_000) * perMinute)
    const allowed = tokens >= 1
    // Told again only after half of the bucket was there again: not once for each token.
    const told = allowed ? bucket.told && tokens < burst / 2 : true
    buckets.set(who, { tokens: allowed ? tokens - 1 : tokens, at, told })
    if (buckets.size > 10_000) for (const [id, old] of buckets) if (at - old.at > 600_000) buckets.delete(id)
    return allowed ? 'yes' : bucket.told ? 'no' : 'told'
  }
}
