import { bucketOf, type Sample } from '../../core/traffic.ts'

/** Counters of Prometheus as they were scraped, and what they come to. Pure. `increase()` extrapolates to the edges of its window: 155.56 errors of 140. */

/** One counter, as it was scraped: seconds since the epoch and what it said, the oldest first. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [number, number])[]
}

/** What is counted: after `from` and up to `to`, and nothing that may have come before `since`; ms since the epoch. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly since?: number | undefined
}

export interface Scraped {
  readonly requests: readonly Series[]
  readonly errors: readonly Series[]
  readonly latency: readonly Series[]
}

interface Increase {
  /** ms since the epoch */
  readonly at: number
  readonly count: number
  readonly metric: Series['metric']
}

/** A service that is scraped: all that it tells at one moment belongs together. */
interface Service {
  /** When it was scraped, the oldest first; ms since the epoch. */
  readonly times: readonly number[]
  /** When it was found to have begun anew since the scrape before. */
  readonly anew: ReadonlySet<number>
}

const serviceOf = ({ job = '', instance = '' }: Series['metric']) => `${job} ${instance}`

/** Its scrapes, told by whichever of its counters; where one of them is smaller than before, it has begun anew. */
function servicesIn(all: readonly Series[]): ReadonlyMap<string, Service> {
  const found = new Map<string, { times: Set<number>; anew: Set<number> }>()
  for (const { metric, values } of all) {
    const service = found.get(serviceOf(metric)) ?? { times: new Set<number>(), anew: new Set<number>() }
    found.set(serviceOf(metric), service)
    let before = Number.NEGATIVE_INFINITY
    for (const [at, value] of finite(values)) {
      service.times.add(at)
      if (value < before) service.anew.add(at)
      before = value
    }
  }
  const sorted = [...found].map(
    ([key, { times, anew }]) => [key, { times: [...times].toSorted((a, b) => a - b), anew }] as const,
  )
  return new Map(sorted)
}

function finite(values: Series['values']): (readonly [at: number, value: number])[] {
  return values.flatMap(([seconds, value]) =>
    Number.isFinite(value) ? [[Math.round(seconds * 1000), value] as const] : [],
  )
}

/**
 * What counters grew by, each scrape at its time. Of a service that has begun anew what it says is what came since; a counter that is new
 * in a service that was scraped before has begun from nothing (its first error, say). What a service says that was not scraped before is
 * where it is counted from: nobody knows since when it grows.
 */
export function increases(all: readonly Series[], { from, to, since = from }: Span, known = all): readonly Increase[] {
  const services = servicesIn(known)
  return all.flatMap(({ metric, values }) => {
    const { times, anew } = services.get(serviceOf(metric)) ?? { times: [], anew: new Set<number>() }
    let last: number | undefined
    return finite(values).flatMap(([at, value]) => {
      const before = last
      last = value
      if (at <= from || at > to) return []
      const scraped = times[times.indexOf(at) - 1]
      // What came in between two scrapes may have come before it is to be counted.
      if (scraped === undefined || scraped < since) return []
      const count = anew.has(at) ? value : value - (before ?? 0)
      return count > 0 ? [{ at, count, metric }] : []
    })
  })
}

/** What was counted, as samples: what was scraped at one moment is one. @param scraped `latency`: of a histogram in seconds, its `_bucket` series */
export function samplesOf(scraped: Scraped, span: Span): readonly Sample[] {
  const known = [...scraped.requests, ...scraped.errors, ...scraped.latency]
  const [requests, errors] = [scraped.requests, scraped.errors].map((one) => totals(increases(one, span, known)))
  const latency = histograms(increases(scraped.latency, span, known))
  const moments = [...new Set([...(requests?.keys() ?? []), ...(errors?.keys() ?? []), ...latency.keys()])]
  const samples: Sample[] = []
  const [asked, failed] = [whole(), whole()]
  // An error may be told before its request, or long after it: none is lost.
  let owed = 0
  for (const at of moments.toSorted((a, b) => a - b)) {
    const count = asked(requests?.get(at) ?? 0)
    owed += failed(errors?.get(at) ?? 0)
    const bad = Math.min(count, owed)
    owed -= bad
    samples.push(sampleOf(at, count, bad, latency.get(at) ?? {}))
  }
  const last = samples.at(-1)
  if (owed > 0 && last) samples.push(sampleOf(last.at, owed, owed, {}))
  return samples.filter((one) => one.requests > 0 || Object.keys(one.latency).length > 0)
}

function sampleOf(at: number, requests: number, errors: number, latency: Sample['latency']): Sample {
  return { at, requests, errors, latency, ...(errors > 0 ? { failures: { status: errors } } : {}) }
}

/** Whole numbers whose sum is the sum of what they are of. */
function whole(): (count: number) => number {
  let sum = 0
  return (count) => {
    const before = Math.round(sum)
    sum += count
    return Math.round(sum) - before
  }
}

function totals(found: readonly Increase[]): ReadonlyMap<number, number> {
  const byTime = new Map<number, number>()
  for (const { at, count } of found) byTime.set(at, (byTime.get(at) ?? 0) + count)
  return byTime
}

/** Those of Prometheus say how many took that long at most, each histogram by bounds of its own; ours, how many took how long. */
function histograms(found: readonly Increase[]): ReadonlyMap<number, Sample['latency']> {
  const apart = Map.groupBy(found, ({ at, metric }) => {
    const { le: _, ...labels } = metric
    return `${at} ${JSON.stringify(labels)}`
  })
  const byTime = new Map<number, Record<number, number>>()
  for (const one of apart.values()) {
    const [{ at } = { at: 0 }] = one
    const counts = byTime.get(at) ?? {}
    for (const [bucket, count] of bucketsOf(one)) counts[bucket] = (counts[bucket] ?? 0) + count
    byTime.set(at, counts)
  }
  return byTime
}

function bucketsOf(found: readonly Increase[]): (readonly [bucket: number, count: number])[] {
  const bounds = found
    .map(({ metric: { le = '' }, count }) => ({
      ms: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) * 1000,
      count,
    }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .toSorted((a, b) => a.ms - b.ms)
  return bounds.flatMap(({ ms, count }, nth) => {
    const within = Math.round(count - (bounds[nth - 1]?.count ?? 0))
    return within > 0 ? [[bucketOf(ms), within] as const] : []
  })
}
