import { bucketOf, type Sample } from '../../core/traffic.ts'

/** Counters of Prometheus as they were scraped, and what they come to. Pure. `increase()` extrapolates to the edges of its window: 155.56 errors of 140. */

/** One counter, as it was scraped: seconds since the epoch and what it said, the oldest first. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [number, number])[]
}

interface Increase {
  /** ms since the epoch */
  readonly at: number
  readonly count: number
  /** The upper bound of a histogram's bucket, as it is written. */
  readonly le: string | undefined
}

/**
 * What counters grew by in a span, each scrape at its time. One that is smaller than before has begun anew; one that was not there
 * before has begun from nothing, unless nothing was there: then nobody was scraping.
 * @param from ms since the epoch, after which counts; what came before is what is grown from
 */
export function increases(all: readonly Series[], from: number, to: number): readonly Increase[] {
  const hadAny = all.some(({ values }) => values.some(([at]) => at * 1000 <= from))
  return all.flatMap(({ metric, values }) => {
    let before: number | undefined
    return values.flatMap(([seconds, value]) => {
      const at = Math.round(seconds * 1000)
      const known = before
      before = value
      if (at <= from || at > to || (known === undefined && !hadAny)) return []
      const count = known === undefined || value < known ? value : value - known
      return count > 0 ? [{ at, count, le: metric['le'] }] : []
    })
  })
}

/** What was counted, as samples: what was scraped at one moment is one. @param latency of a histogram in seconds, its `_bucket` series */
export function samplesOf(
  { requests, errors, latency }: Readonly<Record<'requests' | 'errors' | 'latency', readonly Series[]>>,
  from: number,
  to: number,
): readonly Sample[] {
  const [all, failed, slow] = [requests, errors, latency].map((one) => summed(increases(one, from, to)))
  const moments = [...new Set([...(all?.keys() ?? []), ...(failed?.keys() ?? []), ...(slow?.keys() ?? [])])]
  return moments
    .toSorted((a, b) => a - b)
    .map((at) => {
      const count = totalOf(all?.get(at))
      // Scraped of one server after the other, an error may be told before its request.
      const bad = Math.min(count, totalOf(failed?.get(at)))
      return {
        at,
        requests: count,
        errors: bad,
        latency: bucketsOf(slow?.get(at)),
        ...(bad > 0 ? { failures: { status: bad } } : {}),
      }
    })
    .filter((one) => one.requests > 0 || Object.keys(one.latency).length > 0)
}

type Counts = ReadonlyMap<string | undefined, number>

function summed(found: readonly Increase[]): ReadonlyMap<number, Counts> {
  const byTime = new Map<number, Map<string | undefined, number>>()
  for (const { at, le, count } of found) {
    const counts = byTime.get(at) ?? new Map<string | undefined, number>()
    counts.set(le, (counts.get(le) ?? 0) + count)
    byTime.set(at, counts)
  }
  return byTime
}

function totalOf(counts: Counts | undefined): number {
  return Math.round([...(counts?.values() ?? [])].reduce((sum, count) => sum + count, 0))
}

/** Those of Prometheus say how many took that long at most; ours, how many took how long. */
function bucketsOf(counts: Counts | undefined): Sample['latency'] {
  const bounds = [...(counts ?? [])]
    .map(([le = '', count]) => ({ ms: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) * 1000, count }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .toSorted((a, b) => a.ms - b.ms)
  const found: Record<number, number> = {}
  bounds.forEach(({ ms, count }, nth) => {
    const within = Math.round(count - (bounds[nth - 1]?.count ?? 0))
    if (within > 0) found[bucketOf(ms)] = (found[bucketOf(ms)] ?? 0) + within
  })
  return found
}
