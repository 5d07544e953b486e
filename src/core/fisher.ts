/** How many of how many failed. */
export interface Counted {
  readonly requests: number
  readonly errors: number
}

/** Terms smaller than this part of the sum change no digit of it. */
const NEGLIGIBLE = 1e-17

/**
 * One-sided Fisher's exact test: the probability of at least this many errors after the deploy, were the rate unchanged
 * (R. A. Fisher, "The Design of Experiments", 1935: the tail of the hypergeometric distribution). With no traffic before there is
 * nothing to compare with, and the answer is 1. Takes a time that grows with the spread of the distribution, not with the requests.
 */
export function fisherMoreErrors(before: Counted, after: Counted): number {
  const [n1, n2, k] = [before.requests, after.requests, after.errors]
  const errors = before.errors + k
  const all = n1 + n2
  if (all === 0 || k <= Math.max(0, errors - n1)) return 1
  // The smaller of the two tails is summed, from its largest term on.
  const mode = Math.floor(((n2 + 1) * (errors + 1)) / (all + 2))
  return k > mode
    ? Math.min(1, tail(n1, n2, errors, k, 1))
    : Math.min(1, Math.max(0, 1 - tail(n1, n2, errors, k - 1, -1)))
}

/** The sum of the probabilities from k on, upwards or downwards, away from the mode. */
function tail(n1: number, n2: number, errors: number, from: number, step: 1 | -1): number {
  const [least, most] = [Math.max(0, errors - n1), Math.min(errors, n2)]
  if (from < least || from > most) return 0
  let term = Math.exp(lnChoose(n2, from) + lnChoose(n1, errors - from) - lnChoose(n1 + n2, errors))
  let sum = term
  for (let k = from + step; k >= least && k <= most && term > sum * NEGLIGIBLE; k += step) {
    term *= step === 1 ? ratio(n1, n2, errors, k) : 1 / ratio(n1, n2, errors, k + 1)
    sum += term
  }
  return sum
}

/** P(k) / P(k - 1) of the hypergeometric distribution. */
export function ratio(n1: number, n2: number, errors: number, k: number): number {
  return ((n2 - k + 1) * (errors - k + 1)) / (k * (n1 - errors + k))
}

/** The smallest number of errors in these requests whose probability, were the rate unchanged, is below `alpha`; undefined where none is. */
export function fewestTelling(before: Counted, requests: number, alpha: number): number | undefined {
  const tells = (errors: number) => fisherMoreErrors(before, { requests, errors }) < alpha
  if (!tells(requests)) return undefined
  let [no, yes] = [-1, requests]
  while (yes - no > 1) {
    const middle = Math.floor((no + yes) / 2)
    if (tells(middle)) yes = middle
    else no = middle
  }
  return yes
}

/** The logarithm of the binomial coefficient. */
export function lnChoose(n: number, k: number): number {
  return k < 0 || k > n ? Number.NEGATIVE_INFINITY : lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k)
}

/** ln n! by Stirling's series (error below 1e-10 from 10 on), exact products below. */
function lnFactorial(n: number): number {
  if (n < 10) {
    let product = 1
    for (let i = 2; i <= n; i++) product *= i
    return Math.log(product)
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5)
}
