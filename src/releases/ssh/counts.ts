import type { Failures, Sample } from '../../core/traffic.ts'

/** What HAProxy has counted of a server since it started; each only grows until then. */
export interface Counters {
  /** Requests that had a status. */
  readonly answered: number
  /** Of these, with 5xx. */
  readonly failed: number
  /** Connections that were not made (`econ`). */
  readonly refused: number
  /** Answers that did not come, or not whole (`eresp`), and of these the ones that broke off (`srv_abrt`: they had a status before). */
  readonly broken: number
  readonly cut: number
}

/** What came in between two readings, as a sample; undefined where nothing did. HAProxy tells averages of latency alone, so there is none of it. */
export function sampleOf(before: Counters, now: Counters, at: number, sha: string): Sample | undefined {
  // Begun anew in between: what it has counted since is what there is.
  const isAnew = now.answered < before.answered || now.broken < before.broken || now.refused < before.refused
  const since = (key: keyof Counters) => now[key] - (isAnew ? 0 : before[key])
  const unanswered = Math.max(0, since('broken') - since('cut'))
  const failures: Failures = {
    status: since('failed'),
    refused: since('refused'),
    unanswered,
    cut: Math.min(since('cut'), since('broken')),
  }
  const requests = since('answered') + since('refused') + unanswered
  if (requests === 0) return undefined
  const seen = Object.entries(failures).filter(([, count]) => count > 0)
  // One that failed twice over is one.
  const errors = Math.min(
    requests,
    seen.reduce((sum, [, count]) => sum + count, 0),
  )
  return { at, sha, requests, errors, latency: {}, ...(seen.length > 0 ? { failures: Object.fromEntries(seen) } : {}) }
}
