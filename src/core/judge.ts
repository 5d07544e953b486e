import type { Figures, ReleaseReport, Verdict } from './artefacts.ts'
import { newcombe, wilson } from './bounds.ts'
import { fewestTelling, fisherMoreErrors } from './fisher.ts'
import { type Sample, slowerThan } from './traffic.ts'

/** The fewest requests on either side from which they are compared at all (deploy-semantics: n >= 50). */
export const MIN_REQUESTS = 50
/** Failed health probes in the watch that count as a regression by themselves. */
const MAX_FAILED_PROBES = 2
/**
 * How often, in all of a watch, something is called a regression though nothing changed: 1 % at most. It is spent in equal parts
 * over this many tests of errors and of latency each, so that however they hang together, all of them err no more often (Bonferroni;
 * Lan and DeMets, "Discrete sequential boundaries for clinical trials", 1983, with a spending function that is a straight line).
 */
export const FALSE_ALARMS = { errors: 0.007, latency: 0.003 } as const
export const TESTS = 10
/** How unlikely a test must find what it sees, were nothing changed. */
const ALPHA = { errors: FALSE_ALARMS.errors / TESTS, latency: FALSE_ALARMS.latency / TESTS } as const
/** Without traffic to compare with: this share of failed requests, and at least so many, is a regression by itself. */
const ERROR_RATE = 0.05
const MIN_ERRORS = 5
/** Latency: the p95 must both grow by this factor and by this many ms to count at all, whatever a test says. */
const SLOWER_FACTOR = 2
const SLOWER_MS = 100
/** By how much the share of failed requests may have grown, for all that is known, in a release that is called healthy. */
export const MARGIN = 0.05

export interface Evidence extends Pick<ReleaseReport, 'before' | 'after' | 'probes'> {
  /** Whether this look compares: each comparison may err, so there are no more than `TESTS` of them in a watch. */
  readonly tests: boolean
  /** How long requests took, by bucket; undefined where that is not known. */
  readonly latency?: { readonly before: Sample['latency']; readonly after: Sample['latency'] } | undefined
  /** As `MARGIN`, where the environment says otherwise. */
  readonly margin?: number | undefined
}

/** Which of the tests of a watch is due, counted from 1; 0 before the first. @param passed the part of it that is over */
export function testDue(passed: number): number {
  return Math.min(TESTS, Math.floor(passed * TESTS + 1e-9))
}

/** Judges a release from the counts before and after. Healthy only where it can be told that it is no worse than by a margin. */
export function judge(evidence: Evidence): { verdict: Verdict; reasons: string[] } {
  const bad = regressions(evidence)
  if (bad.length > 0) return { verdict: 'regressed', reasons: bad }
  const { before, after, probes } = evidence
  const open = undecided(evidence)
  if (open.length > 0) return { verdict: 'not enough evidence', reasons: [...open, probeLine(probes)] }
  return {
    verdict: 'healthy',
    reasons: [errorLine(before, after), boundLine(evidence), sensitivity(before, after), probeLine(probes)],
  }
}

/** Why it cannot be called healthy, though nothing bad was seen. */
function undecided({ before, after, margin = MARGIN }: Evidence): string[] {
  if (after.requests < MIN_REQUESTS)
    return [`${after.requests} requests in ${after.seconds} s; at least ${MIN_REQUESTS} are needed to judge`]
  if (before.requests < MIN_REQUESTS && after.errors > 0)
    return [errorLine(before, after), 'too little traffic before the deploy to compare with']
  const most = increaseAtMost(before, after)
  if (most >= margin)
    return [
      errorLine(before, after),
      `an increase of errors by ${percent(most)} cannot be excluded; ${percent(margin)} is what is taken`,
    ]
  return []
}

/** By how much the share of failed requests may have grown (95 %); with nothing to compare with, how large it may be. */
function increaseAtMost(before: Figures, after: Figures): number {
  return before.requests < MIN_REQUESTS ? wilson(after).high : newcombe(before, after).high
}

function boundLine({ before, after }: Evidence): string {
  const most = percent(increaseAtMost(before, after))
  return before.requests < MIN_REQUESTS
    ? `more than ${most} of failed requests can be excluded (95 %); there was too little traffic before the deploy to compare with`
    : `an increase of errors by more than ${most} can be excluded (95 %)`
}

/** A share, for people. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function regressions(evidence: Evidence): string[] {
  const { before, after, probes, tests } = evidence
  const reasons = tooManyProbesFailed(probes)
  if (before.requests < MIN_REQUESTS && after.errors >= MIN_ERRORS && after.errors >= ERROR_RATE * after.requests)
    reasons.push(`${after.errors} of ${after.requests} requests failed`)
  const compared = tests ? [...moreErrors(before, after), ...slower(evidence)] : []
  return compared.length > 0 ? [...reasons, ...compared, OUTSIDE] : reasons
}

const OUTSIDE = 'this compares with the time before the deploy: a cause outside the release cannot be excluded'

function moreErrors(before: Figures, after: Figures): string[] {
  const p = after.requests > 0 ? fisherMoreErrors(before, after) : 1
  return p < ALPHA.errors
    ? [
        `${errorLine(before, after)} (Fisher's exact test, p = ${p.toExponential(1)}, one of ${TESTS} at ${ALPHA.errors})`,
      ]
    : []
}

/** Slower both by more than the floor and by more than chance: how many took longer than the floor allows, on either side. */
function slower({ before, after, latency }: Evidence): string[] {
  if (before.p95 === undefined || after.p95 === undefined) return []
  if (before.requests < MIN_REQUESTS || after.requests < MIN_REQUESTS) return []
  const floor = slowFrom(before.p95)
  if (after.p95 < floor) return []
  const words = `p95 latency went from ${before.p95} ms to ${after.p95} ms`
  if (!latency) return [words]
  const slow = (counts: Sample['latency'], { requests }: Figures) => ({ requests, errors: slowerThan(counts, floor) })
  const [was, is] = [slow(latency.before, before), slow(latency.after, after)]
  const p = fisherMoreErrors(was, is)
  return p < ALPHA.latency
    ? [
        `${words}; ${is.errors} of ${is.requests} took over ${Math.round(floor)} ms, ${was.errors} of ${was.requests} before (p = ${p.toExponential(1)})`,
      ]
    : []
}

/** From where on a p95 is slower at all, whatever a test says. ms */
export function slowFrom(p95: number): number {
  return Math.max(SLOWER_FACTOR * p95, p95 + SLOWER_MS)
}

/** Says so where more health probes failed than may. */
export function tooManyProbesFailed({ failed, passed }: Evidence['probes']): string[] {
  return failed >= MAX_FAILED_PROBES ? [`${failed} of ${failed + passed} health probes failed`] : []
}

export function probeLine(probes: Evidence['probes']): string {
  return `${probes.passed} of ${probes.passed + probes.failed} health probes passed`
}

function errorLine(before: Figures, after: Figures): string {
  return `errors ${before.errors} of ${before.requests} before, ${after.errors} of ${after.requests} after`
}

/** The smallest number of errors in these requests that would have been called a regression. */
function sensitivity(before: Figures, { requests }: Figures): string {
  const errors = before.requests < MIN_REQUESTS ? undefined : fewestTelling(before, requests, ALPHA.errors)
  return errors === undefined
    ? 'no number of errors in so few requests would have told a regression'
    : `a regression would have shown from ${errors} errors on (${percent(errors / requests)})`
}
