import { bucketOf, type Failure, type Sample } from '../../../core/traffic.ts'
import type { Counted, Whole } from './protocol.ts'

interface Counter {
  requests: number
  errors: number
  readonly latency: Record<string, number>
  readonly failures: Record<string, number>
}

interface Series {
  readonly repository: string
  readonly environment: string
  readonly sha: string
  readonly seconds: Map<number, Counter>
}

/** One request that is over. */
export interface Ended {
  readonly repository: string
  readonly environment: string
  readonly sha: string
  readonly ms: number
  readonly failure: Failure | undefined
}

/** A clock that says so much less than before was set back. */
const CLOCK_CHANGED_MS = 10_000

/** So many seconds of a release are kept while nobody asks for them; then the oldest go. */
const KEEP_SECONDS = 2 * 3600

/** Requests, errors and latency per second and release, until somebody has written them down. */
export class Counts {
  readonly #series = new Map<string, Series>()
  /** Handed over, and not acknowledged yet. */
  #given: Counted[] = []
  #batch = 0
  /** How far the clock of whoever reads is ahead, ms; undefined until it was told. */
  #ahead: number | undefined
  /** Seconds before that were handed over: nothing is counted in them any more, whatever a clock says. */
  #from = 0

  /** What it says comes late, by as long as it is under way: the one that was under way for the shortest time is the truest. */
  setClock(now: number): void {
    const ahead = now - Date.now()
    const known = this.#ahead
    if (known === undefined || ahead > known || ahead < known - CLOCK_CHANGED_MS) this.#ahead = ahead
  }

  add({ ms, failure, ...about }: Ended): void {
    const failures = failure ? { [failure]: 1 } : {}
    merge(this.#counter(about, this.#second()), {
      requests: 1,
      errors: failure ? 1 : 0,
      latency: { [bucketOf(ms)]: 1 },
      failures,
    })
  }

  #counter({ repository, environment, sha }: Omit<Series, 'seconds'>, second: number): Counter {
    const about = { repository, environment, sha }
    const series = this.#series.get(keyOf(about)) ?? { ...about, seconds: new Map<number, Counter>() }
    this.#series.set(keyOf(about), series)
    const known = series.seconds.get(second)
    if (known) return known
    const [oldest] = series.seconds.keys()
    if (oldest !== undefined && series.seconds.size >= KEEP_SECONDS) series.seconds.delete(oldest)
    const counter: Counter = { requests: 0, errors: 0, latency: {}, failures: {} }
    series.seconds.set(second, counter)
    return counter
  }

  #second(): number {
    return Math.max(this.#from, Math.floor((Date.now() + (this.#ahead ?? 0)) / 1000) * 1000)
  }

  /** The seconds that are over, and with them what was handed over before and not acknowledged: it may not have arrived. */
  take(acknowledged: number, isLast = false): { readonly batch: number; readonly counted: readonly Counted[] } {
    if (acknowledged === this.#batch) this.#given = []
    const now = this.#second() + (isLast ? 1000 : 0)
    this.#from = now
    for (const series of this.#series.values()) this.#given.push(...takenFrom(series, (at) => at < now))
    for (const [key, { seconds }] of this.#series) if (seconds.size === 0) this.#series.delete(key)
    // While nobody acknowledges, no more is kept than of what nobody asks for.
    this.#given = this.#given.slice(-KEEP_SECONDS)
    return { batch: ++this.#batch, counted: this.#given }
  }

  /** All that is not acknowledged, for whoever goes on counting. */
  whole(): Whole {
    const open = [...this.#series.values()].map((series) => countedIn(series, [...series.seconds]))
    return { ahead: this.#ahead ?? 0, from: this.#from, batch: this.#batch, given: this.#given, open }
  }

  /** Goes on with what another process has counted. */
  inherit({ ahead, from, batch, given, open }: Whole): void {
    const own = this.whole().open
    this.#series.clear()
    this.#ahead = ahead
    this.#from = from
    this.#batch = batch
    this.#given = [...given]
    for (const { samples, ...about } of [...open, ...own])
      for (const { at, ...counter } of samples) merge(this.#counter(about, Math.max(at, from)), counter)
  }
}

/** Adds what was counted of the same second elsewhere. */
function merge(into: Counter, { requests, errors, latency, failures = {} }: Omit<Sample, 'at' | 'sha'>): void {
  into.requests += requests
  into.errors += errors
  for (const [bucket, count] of Object.entries(latency)) into.latency[bucket] = (into.latency[bucket] ?? 0) + count
  for (const [kind, count] of Object.entries(failures)) into.failures[kind] = (into.failures[kind] ?? 0) + count
}

function keyOf({ repository, environment, sha }: Pick<Series, 'repository' | 'environment' | 'sha'>): string {
  return JSON.stringify([repository, environment, sha])
}

function takenFrom(series: Series, isTaken: (at: number) => boolean): Counted[] {
  const taken = [...series.seconds].filter(([at]) => isTaken(at))
  for (const [at] of taken) series.seconds.delete(at)
  return taken.length === 0 ? [] : [countedIn(series, taken)]
}

function countedIn({ repository, environment, sha }: Series, seconds: readonly [number, Counter][]): Counted {
  return { repository, environment, sha, samples: seconds.map(([at, counter]) => ({ at, ...counter })) }
}
