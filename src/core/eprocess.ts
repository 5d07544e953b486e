import { type Counted, lnChoose, ratio } from './fisher.ts'

/**
 * Whether a release fails more often than another that serves at the same time, where chance divides the requests between them. Each
 * block of time is a bet at fair odds that the failures fall on the release more often than its share of the requests: its worth can
 * be looked at after every block, and stopped at whenever, and comes to 1/α with a probability of α at most, were there no
 * difference (Ville's inequality). The odds are those of Fisher's exact test, so that it does not matter how often anything fails, nor
 * whether that changes from block to block: a cause outside the release fails both alike.
 *
 * Turner, Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests", 2024; conditioned on the failures of a block as
 * in Lindon, Sanden and Shirikian, "Rapid regression detection in software deployments through sequential testing", 2022.
 */

/** The odds ratios that are bet on, in equal parts: from half as many failures more to nothing but failures. */
const RATIOS = [1.5, 2, 3, 5, 10, 30, 100] as const
/** Terms smaller than this part of the sum change no digit of it. */
const NEGLIGIBLE = 1e-17

/** What each bet has come to, as a natural logarithm. Plain data. */
export type Bets = readonly number[]

export const NO_BETS: Bets = RATIOS.map(() => 0)

/** What was counted in one block of time, in which each side's share of the requests was the same throughout. */
export interface Block {
  readonly control: Counted
  readonly release: Counted
}

/** Adds a block. */
export function bet(bets: Bets, block: Block): Bets {
  const { control, release } = block
  const failed = control.errors + release.errors
  // Where one side was asked nothing, or nothing failed, there is nothing to tell.
  if (failed === 0 || control.requests === 0 || release.requests === 0) return bets
  return RATIOS.map((odds, nth) => {
    const paid = release.errors * Math.log(odds) - lnMean(control.requests, release.requests, failed, odds)
    return (bets[nth] ?? 0) + paid
  })
}

/** What was staked has become so many times as much: the mean of all bets. */
export function worth(bets: Bets): number {
  return bets.reduce((sum, ln) => sum + Math.exp(ln), 0) / bets.length
}

/** ln of the mean of odds^k, where k of the failures fall on the release by chance alone (the hypergeometric distribution). */
function lnMean(n1: number, n2: number, failed: number, odds: number): number {
  const [least, most] = [Math.max(0, failed - n1), Math.min(failed, n2)]
  const from = Math.min(most, Math.max(least, mode(n1, n2, failed, odds)))
  const up = sumFrom(from, most, 1, (k) => ratio(n1, n2, failed, k) * odds)
  const down = sumFrom(from, least, -1, (k) => 1 / (ratio(n1, n2, failed, k + 1) * odds))
  const first = lnChoose(n2, from) + lnChoose(n1, failed - from) - lnChoose(n1 + n2, failed) + from * Math.log(odds)
  return first + Math.log(1 + up + down)
}

/** The sum of the terms after the first, each told by its ratio to the one before; the first counts as 1. */
function sumFrom(from: number, to: number, step: 1 | -1, ratioAt: (k: number) => number): number {
  let [term, sum] = [1, 0]
  for (let k = from + step; step > 0 ? k <= to : k >= to; k += step) {
    term *= ratioAt(k)
    sum += term
    if (term < (1 + sum) * NEGLIGIBLE) break
  }
  return sum
}

/** The likeliest number of failures of the release at such odds: Fisher's noncentral hypergeometric distribution (A. Fog, 2008). */
function mode(n1: number, n2: number, failed: number, odds: number): number {
  const a = odds - 1
  const b = n2 + failed - (n1 + n2) - (n2 + failed + 2) * odds
  const c = (n2 + 1) * (failed + 1) * odds
  return Math.floor((-2 * c) / (b - Math.sqrt(b * b - 4 * a * c)))
}
