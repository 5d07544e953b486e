import type { Figures, ReleaseReport, Verdict } from './artefacts.ts'

/** The fewest requests after a deploy from which errors are judged at all (deploy-semantics: n >= 50). */
export const MIN_REQUESTS = 50
/** Failed health probes in the watch that count as a regression by themselves. */
const MAX_FAILED_PROBES = 2
const ALPHA = 0.01
/** Without traffic to compare with: this share of failed requests, and at least so many, is a regression by itself. */
const ERROR_RATE = 0.05
const MIN_ERRORS = 5
/** Latency: the p95 must both grow by this factor and by this many ms to count (an effect floor, not a test). */
const SLOWER_FACTOR = 2
const SLOWER_MS = 100

type Evidence = Pick<ReleaseReport, 'before' | 'after' | 'probes'>

/** Judges a release from the proxy's counts before and after. Never healthy without enough requests. */
export function judge({ before, after, probes }: Evidence): { verdict: Verdict; reasons: string[] } {
  const bad = regressions({ before, after, probes })
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

function regressions({ before, after, probes }: Evidence): string[] {
  const reasons: string[] = []
  if (probes.failed >= MAX_FAILED_PROBES)
    reasons.push(`${probes.failed} of ${probes.failed + probes.passed} health probes failed`)
  if (before.requests < MIN_REQUESTS && after.errors >= MIN_ERRORS && after.errors >= ERROR_RATE * after.requests) {
    reasons.push(`${after.errors} of ${after.requests} requests failed`)
  }
  const p = fisherMoreErrors(before, after)
  if (after.requests > 0 && p < ALPHA)
    reasons.push(`${errorLine(before, after)} (Fisher's exact test, p = ${p.toExponential(1)})`)
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
function sensitivity(before: Figures, after: Figures): string {
  if (before.requests < MIN_REQUESTS) return 'too little traffic before the deploy to compare with'
  let errors = after.errors
  while (errors < after.requests && fisherMoreErrors(before, { ...after, errors }) >= ALPHA) errors++
  return `a regression would have shown from ${errors} errors on (${((100 * errors) / after.requests).toFixed(1)} %)`
}

/**
 * One-sided Fisher's exact test: the probability of at least this many errors after the deploy, were the rate unchanged.
 * With no traffic before there is nothing to compare with, and the answer is 1.
 */
export function fisherMoreErrors(
  before: Pick<Figures, 'requests' | 'errors'>,
  after: Pick<Figures, 'requests' | 'errors'>,
): number {
  const n1 = before.requests
  const n2 = after.requests
  const errors = before.errors + after.errors
  let p = 0
  for (let k = after.errors; k <= Math.min(errors, n2); k++)
    p += Math.exp(choose(n2, k) + choose(n1, errors - k) - choose(n1 + n2, errors))
  return Math.min(1, p)
}

/** The logarithm of the binomial coefficient. */
function choose(n: number, k: number): number {
  return k < 0 || k > n ? Number.NEGATIVE_INFINITY : lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k)
}

/** ln n! by Stirling's series (error below 1e-10 from 10 on), exact sums below. */
function lnFactorial(n: number): number {
  if (n < 10) {
    let product = 1
    for (let i = 2; i <= n; i++) product *= i
    return Math.log(product)
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5)
}
