import type { Figures } from './artefacts.ts'

/** Upper bounds of the latency buckets in ms: 1 ms doubling by fourths (1, 1.19, 1.41, …) up to about a minute. */
export const BUCKETS: readonly number[] = Array.from({ length: 64 }, (_, i) => 2 ** (i / 4))

/** Counts of one second of traffic to one release. */
export interface Sample {
  readonly at: number
  readonly requests: number
  readonly errors: number
  /** Counts by bucket; index = bucket, missing = 0. */
  readonly latency: Readonly<Record<number, number>>
}

/** The bucket of a latency in ms. */
export function bucketOf(ms: number): number {
  const index = BUCKETS.findIndex((bound) => ms <= bound)
  return index < 0 ? BUCKETS.length - 1 : index
}

/** Sums samples into the figures that a person reads. */
export function figuresOf(samples: readonly Sample[], seconds: number): Figures {
  const latency: number[] = BUCKETS.map(() => 0)
  let requests = 0
  let errors = 0
  for (const sample of samples) {
    requests += sample.requests
    errors += sample.errors
    for (const [bucket, count] of Object.entries(sample.latency))
      latency[Number(bucket)] = (latency[Number(bucket)] ?? 0) + count
  }
  return { seconds, requests, errors, p50: percentile(latency, 0.5), p95: percentile(latency, 0.95) }
}

/** The bound of the bucket in which the q-th request falls; undefined without requests. */
function percentile(counts: readonly number[], q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let seen = 0
  const index = counts.findIndex((count) => (seen += count) >= q * total)
  return Math.round((BUCKETS[index] ?? 0) * 10) / 10
}
