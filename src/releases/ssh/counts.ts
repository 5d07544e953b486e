import type { Failures, Sample } from '../../core/traffic.ts'

/** What HAProxy has counted of a server since it started; each only grows until then. */
export interface Counters {
  /** Requests that had a status. */
  readonly answered: number
  /** Of these, with 5xx. */
  readonly failed: number
  /** Of these, whose answer broke off. */
  readonly cut: number
  /** Connections that were not made, also where the request went to another server then. */
  readonly refused: number
  /** Requests that are over and had no answer. Its parts are not read at one moment: it may be off by a few for that moment. */
  readonly lost: number
}

/** A reading: what is known to be lost was so at two readings in a row. */
export interface Reading extends Counters {
  readonly surelyLost: number
}

/** @param before the reading before; undefined where it is the first of this server */
export function readingOf(before: Reading | undefined, now: Counters): Reading {
  // What was lost before anybody looked is nobody's of those who are looked at.
  if (before === undefined) return { ...now, surelyLost: now.lost }
  if (isAnew(before, now)) return { ...now, surelyLost: 0 }
  return { ...now, surelyLost: Math.max(before.surelyLost, Math.min(before.lost, now.lost)) }
}

/** HAProxy was started anew in between: what it has counted since is what there is. */
function isAnew(before: Counters, now: Counters): boolean {
  return now.answered < before.answered || now.refused < before.refused || now.cut < before.cut
}

/** What came in between two readings, as a sample; undefined where nothing did. HAProxy tells averages of latency alone, so there is none of it. */
export function sampleOf(before: Reading, now: Reading, at: number, sha: string): Sample | undefined {
  const since = (key: keyof Reading) => now[key] - (isAnew(before, now) ? 0 : before[key])
  const counts: Failures = {
    status: since('failed'),
    refused: since('refused'),
    unanswered: since('surelyLost'),
    cut: since('cut'),
  }
  const requests = since('answered') + since('refused') + since('surelyLost')
  if (requests === 0) return undefined
  const failures = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  // One that failed twice over is one.
  const errors = Math.min(
    requests,
    Object.values(failures).reduce((sum, count) => sum + count, 0),
  )
  return { at, sha, requests, errors, latency: {}, ...(errors > 0 ? { failures } : {}) }
}
