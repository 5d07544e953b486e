import type { Figures } from './artefacts.ts'

/** Upper bounds of the latency buckets in ms: 1 ms doubling by fourths (1, 1.19, 1.41, …) up to about a minute. */
export const BUCKETS: readonly number[] = Array.from({ length: 64 }, (_, i) => 2 ** (i / 4))

/**
 * How a request failed. `status`: answered with 5xx; `refused`: the release could not be reached; `unanswered`: whoever asked went
 * away without an answer; `late`: nothing was answered for half a minute; `cut`: the answer broke off.
 */
export const FAILURES = ['status', 'refused', 'unanswered', 'late', 'cut'] as const
export type Failure = (typeof FAILURES)[number]
/** As people are told. */
const FAILURE_WORDS: Readonly<Record<Failure, string>> = {
  status: 'answered with an error (5xx)',
  refused: 'not to be reached',
  unanswered: 'left without an answer',
  late: 'not answered for half a minute',
  cut: 'broken off in the middle',
}

/** How requests failed, in words; empty where none did. */
export function failuresText(counts: Failures = {}): string {
  return FAILURES.filter((kind) => (counts[kind] ?? 0) > 0)
    .map((kind) => `${counts[kind]} ${FAILURE_WORDS[kind]}`)
    .join(', ')
}

export type Failures = Readonly<Partial<Record<Failure, number>>>

/** Counts of one second of traffic to one release. */
export interface Sample {
  /** ms since the epoch */
  readonly at: number
  /** Which release it was; undefined where the target cannot tell them apart. */
  readonly sha?: string | undefined
  readonly requests: number
  readonly errors: number
  /** How they failed, where the target can tell. */
  readonly failures?: Failures | undefined
  /** Counts by bucket; index = bucket, missing = 0. */
  readonly latency: Readonly<Record<number, number>>
}

/** The bucket of a latency in ms. */
export function bucketOf(ms: number): number {
  const index = BUCKETS.findIndex((bound) => ms <= bound)
  return index < 0 ? BUCKETS.length - 1 : index
}

/** What samples come to. */
export type Tally = Pick<Sample, 'requests' | 'errors' | 'latency'> & { readonly failures: Failures }

export const NO_TRAFFIC: Tally = { requests: 0, errors: 0, latency: {}, failures: {} }

/** Adds samples to what was counted before. */
export function tallied(before: Tally, samples: readonly Sample[]): Tally {
  const latency = new Map(Object.entries(before.latency))
  const failures = new Map(Object.entries(before.failures))
  let { requests, errors } = before
  for (const sample of samples) {
    requests += sample.requests
    errors += sample.errors
    add(latency, sample.latency)
    add(failures, sample.failures ?? {})
  }
  return { requests, errors, latency: Object.fromEntries(latency), failures: Object.fromEntries(failures) }
}

function add(to: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(counts)) to.set(key, (to.get(key) ?? 0) + count)
}

/** The figures that a person reads. */
export function figuresOf({ requests, errors, latency, failures }: Tally, seconds: number): Figures {
  const counts = BUCKETS.map((_, bucket) => latency[bucket] ?? 0)
  return {
    seconds,
    requests,
    errors,
    p50: percentile(counts, 0.5),
    p95: percentile(counts, 0.95),
    ...(Object.keys(failures).length > 0 ? { failures } : {}),
  }
}

/** How many requests surely took longer: those in buckets that begin there or later. */
export function slowerThan(latency: Sample['latency'], ms: number): number {
  return Object.entries(latency).reduce((sum, [bucket, count]) => {
    const from = BUCKETS[Number(bucket) - 1] ?? 0
    return from >= ms ? sum + count : sum
  }, 0)
}

/** The samples of one release, where the target can tell them apart. */
export function ofRelease(samples: readonly Sample[], sha: string | undefined): Sample[] {
  return samples.filter((sample) => sample.sha === undefined || sample.sha === sha)
}

/** The bound of the bucket in which the q-th request falls; undefined without requests. */
function percentile(counts: readonly number[], q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let seen = 0
  const index = counts.findIndex((count) => (seen += count) >= q * total)
  return Math.round((BUCKETS[index] ?? 0) * 10) / 10
}
