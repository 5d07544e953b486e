/**
 * A token bucket for each person: at most `burst` commands at once, and `perMinute` in the long run (security.md 61).
 * @returns whether this person may give a command now
 */
export function personLimiter(burst: number, perMinute: number, now: () => number): (personId: number) => boolean {
  const buckets = new Map<number, { tokens: number; at: number }>()
  return (personId) => {
    const at = now()
    const bucket = buckets.get(personId) ?? { tokens: burst, at }
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 60_000) * perMinute)
    buckets.set(personId, { tokens: tokens >= 1 ? tokens - 1 : tokens, at })
    if (buckets.size > 10_000) for (const [id, old] of buckets) if (at - old.at > 600_000) buckets.delete(id)
    return tokens >= 1
  }
}
