import type { Figures, ReleaseReport, Verdict } from './artefacts.ts'
import { fewestTelling, fisherMoreErrors } from './fisher.ts'

/** The fewest requests after a deploy from which errors are judged at all (deploy-semantics: n >= 50). */
export const MIN_REQUESTS = 50
/** Failed health probes in the watch that count as a regression by themselves. */
const MAX_FAILED_PROBES = 2
/**
 * How often, in all of a watch, errors are called a regression though nothing changed: 1 % at most. It is spent in equal parts
 * over this many tests, so that however they hang together, all of them err no more often (Bonferroni; Lan and DeMets, "Discrete
 * sequential boundaries for clinical trials", 1983, with a spending function that is a straight line).
 */
const FALSE_ALARMS = 0.01
export const TESTS = 10
const ALPHA = FALSE_ALARMS / TESTS
/** Without traffic to compare with: this share of failed requests, and at least so many, is a regression by itself. */
const ERROR_RATE = 0.05
const MIN_ERRORS = 5
/** Latency: the p95 must both grow by this factor and by this many ms to count (an effect floor, not a test). */
const SLOWER_FACTOR = 2
const SLOWER_MS = 100

export interface Evidence extends Pick<ReleaseReport, 'before' | 'after' | 'probes'> {
  /** Whether errors are compared at this look: each comparison may err, so there are no more than `TESTS` of them in a watch. */
  readonly tests: boolean
}

/** Which of the tests of a watch is due, counted from 1; 0 before the first. @param passed the part of it that is over */
export function testDue(passed: number): number {
  return Math.min(TESTS, Math.floor(passed * TESTS + 1e-9))
}

/** Judges a release from the counts before and after. Never healthy without enough requests. */
export function judge({ before, after, probes, tests }: Evidence): { verdict: Verdict; reasons: string[] } {
  const bad = regressions({ before, after, probes, tests })
  if (bad.length > 0) return { verdict: 'regressed', reasons: bad }
  if (after.requests < MIN_REQUESTS) {
    return {
      verdict: 'not enough evidence',
      reasons: [
        `${after.requests} requests in ${after.seconds} s; at least ${MIN_REQUESTS} are needed to judge`,
        probeLine(probes),
      ],
    }
  }
  if (before.requests < MIN_REQUESTS && after.errors > 0) {
    return {
      verdict: 'not enough evidence',
      reasons: [errorLine(before, after), 'too little traffic before the deploy to compare with', probeLine(probes)],
    }
  }
  return { verdict: 'healthy', reasons: [errorLine(before, after), sensitivity(before, after), probeLine(probes)] }
}

function regressions({ before, after, probes, tests }: Evidence): string[] {
  const reasons: string[] = []
  if (probes.failed >= MAX_FAILED_PROBES)
    reasons.push(`${probes.failed} of ${probes.failed + probes.passed} health probes failed`)
  if (before.requests < MIN_REQUESTS && after.errors >= MIN_ERRORS && after.errors >= ERROR_RATE * after.requests) {
    reasons.push(`${after.errors} of ${after.requests} requests failed`)
  }
  const p = tests && after.requests > 0 ? fisherMoreErrors(before, after) : 1
  if (p < ALPHA)
    reasons.push(
      `${errorLine(before, after)} (Fisher's exact test, p = ${p.toExponential(1)}, one of ${TESTS} tests at ${ALPHA})`,
      'this compares with the time before the deploy: a cause outside the release cannot be excluded',
    )
  if (
    before.p95 !== undefined &&
    after.p95 !== undefined &&
    before.requests >= MIN_REQUESTS &&
    after.requests >= MIN_REQUESTS
  ) {
    if (after.p95 >= SLOWER_FACTOR * before.p95 && after.p95 - before.p95 >= SLOWER_MS)
      reasons.push(`p95 latency went from ${before.p95} ms to ${after.p95} ms`)
  }
  return reasons
}

function probeLine(probes: Evidence['probes']): string {
  return `${probes.passed} of ${probes.passed + probes.failed} health probes passed`
}

function errorLine(before: Figures, after: Figures): string {
  return `errors ${before.errors} of ${before.requests} before, ${after.errors} of ${after.requests} after`
}

/** The smallest number of errors in these requests that would have been called a regression. */
function sensitivity(before: Figures, { requests }: Figures): string {
  if (before.requests < MIN_REQUESTS) return 'too little traffic before the deploy to compare with'
  const errors = fewestTelling(before, requests, ALPHA)
  return errors === undefined
    ? 'no number of errors in so few requests would have told a regression'
    : `a regression would have shown from ${errors} errors on (${((100 * errors) / requests).toFixed(1)} %)`
}
