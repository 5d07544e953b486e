import type { Figures } from './artefacts.ts'
import { percent } from './judge.ts'

/** What is too much by itself, whatever it is compared with. Pure. */

/** As the environment's settings have it. */
export interface Limits {
  /** Share of the requests that may fail, from `FROM_REQUESTS` on. */
  readonly errors?: number | undefined
  /** ms */
  readonly p95?: number | undefined
  /** So often it may be started again while it is watched; undefined: `RESTARTS`. */
  readonly restarts?: number | undefined
  /** Lines that have one of these words, and so many of them that are taken. */
  readonly log?: { readonly words: readonly string[]; readonly most: number } | undefined
}

/** What was seen of a release beside its traffic; undefined where nobody tells. */
export interface Signs {
  /** How often it was started again since it went live. */
  readonly restarts?: number | undefined
  /** Of the last lines of its log, those that have one of the words. */
  readonly lines?: number | undefined
}

/** A service that dies again and again is no matter of settings. */
const RESTARTS = 3
const FROM_REQUESTS = 20

/** What is beyond them, in words. */
export function beyondLimits(
  { errors, p95, restarts = RESTARTS, log }: Limits,
  after: Pick<Figures, 'requests' | 'errors' | 'p95'>,
  { restarts: started = 0, lines = 0 }: Signs,
): string[] {
  const isMany = after.requests >= FROM_REQUESTS
  const share = after.requests === 0 ? 0 : after.errors / after.requests
  return [
    ...(errors !== undefined && isMany && share > errors
      ? [`${percent(share)} of ${after.requests} requests failed; ${percent(errors)} is the limit`]
      : []),
    ...(p95 !== undefined && isMany && after.p95 !== undefined && after.p95 > p95
      ? [`p95 latency ${after.p95} ms; ${p95} ms is the limit`]
      : []),
    ...(started >= restarts ? [`it was started again ${started === 1 ? 'once' : `${started} times`}`] : []),
    ...(log && lines > log.most
      ? [
          `${lines} of the last lines of its log have ${log.words.map((word) => `“${word}”`).join(' or ')}; ${log.most} is the limit`,
        ]
      : []),
  ]
}

/** Each sign as it was when it could be read first: what cannot be told from later is not counted. */
export function firstSigns(first: Signs | undefined, now: Signs): Signs {
  return { restarts: first?.restarts ?? now.restarts, lines: first?.lines ?? now.lines }
}

/** What has come since the first look. */
export function signsSince(first: Signs | undefined, now: Signs): Signs {
  const since = (key: keyof Signs) => {
    const value = now[key]
    return value === undefined ? undefined : Math.max(0, value - (first?.[key] ?? 0))
  }
  return { restarts: since('restarts'), lines: since('lines') }
}

/** How many lines of a log have one of the words, whatever their case. */
export function linesWith(log: string, words: readonly string[]): number {
  const wanted = words.map((word) => word.toLowerCase())
  return log.split('\n').filter((line) => {
    const text = line.toLowerCase()
    return wanted.some((word) => text.includes(word))
  }).length
}
