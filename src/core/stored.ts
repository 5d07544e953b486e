/**
 * A value as a database that sorts keys gives it back (PostgreSQL's `jsonb`: shorter keys first, then by their bytes). What was said to a
 * model once is said to it again from there: in another order a prompt cache would not find it.
 */
export function asStored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStored)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => byLength(a, b))
      .map(([key, inner]) => [key, asStored(inner)]),
  )
}

function byLength(a: string, b: string): number {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length - other.length || Buffer.compare(one, other)
}
