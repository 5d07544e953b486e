/**
 * A token bucket for each person: at most `burst` commands at once, and `perMinute` in the long run (security.md 61).
 * @returns whether this person may give a command now
 */
export function personLimiter(burst: number, perMinute: number, now: () => number): (who: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return (who) => {
    const at = now()
    const bucket = buckets.get(who) ?? { tokens: burst, at }
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 60_000) * perMinute)
    buckets.set(who, { tokens: tokens >= 1 ? tokens - 1 : tokens, at })
    if (buckets.size > 10_000) for (const [id, old] of buckets) if (at - old.at > 600_000) buckets.delete(id)
    return tokens >= 1
  }
}
