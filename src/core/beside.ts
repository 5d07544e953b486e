import type { Figures, ReleaseReport, Verdict } from './artefacts.ts'
import { wilson } from './bounds.ts'
import { type Bets, bet, NO_BETS, worth } from './eprocess.ts'
import type { Counted } from './fisher.ts'
import { FALSE_ALARMS, MARGIN, MIN_REQUESTS, percent, probeLine, slowFrom, tooManyProbesFailed } from './judge.ts'
import { figuresOf, NO_TRAFFIC, type Sample, slowerThan, type Tally, tallied } from './traffic.ts'

/** A release that has a share of the requests, judged by the one that has the rest: at the same time, so that nothing outside counts. Pure. */

/** What was counted beside a release, and what comes of comparing both. Plain data. */
export interface Beside {
  /** Percent of the requests that the release is given. */
  readonly percent: number
  /** It is to be given so many from the next look on: that is stored first, so that no look is compared over a change. */
  readonly next?: number | undefined
  /** Since when, ms since the epoch: what was counted before, while that changed, is not compared. */
  readonly since: number
  /** Of the release that has the rest. */
  readonly control: Tally
  /** How often in a row that has not answered its health check. */
  readonly silent: number
  readonly errors: Bets
  readonly latency: Bets
  /** The difference of the shares of failed requests by blocks of time (Mantel and Haenszel): its sum, and that of the weights. */
  readonly difference: { readonly sum: number; readonly weight: number }
}

/** Before anything was compared. */
export function besideFrom(percent: number, since: number): Beside {
  const difference = { sum: 0, weight: 0 }
  const bets = { errors: NO_BETS, latency: NO_BETS }
  return { percent, since: wholeSecond(since), control: NO_TRAFFIC, silent: 0, ...bets, difference }
}

/** Its share is another from now on. */
export function shared(beside: Beside, share: number, now: number): Beside {
  return { ...beside, percent: share, next: undefined, since: wholeSecond(now) }
}

/** Samples are of whole seconds. */
function wholeSecond(at: number): number {
  return Math.ceil(at / 1000) * 1000
}

/** Adds what a look has seen of both. @param latencyBefore of the time before the deploy, until there is some of the other release */
export function compared(
  beside: Beside,
  seen: {
    readonly release: readonly Sample[]
    readonly control: readonly Sample[]
    /** Whether what has the rest answered its health check. */
    readonly isControlHealthy?: boolean | undefined
  },
  latencyBefore: Sample['latency'] | undefined,
): Beside {
  const within = (samples: readonly Sample[]) =>
    tallied(
      NO_TRAFFIC,
      samples.filter(({ at }) => at >= beside.since),
    )
  const block = { release: within(seen.release), control: within(seen.control) }
  return {
    ...beside,
    control: tallied(beside.control, seen.control),
    silent: seen.isControlHealthy === false ? beside.silent + 1 : 0,
    errors: bet(beside.errors, block),
    latency: betOnLatency(beside, block, latencyBefore),
    difference: addedTo(beside.difference, block),
  }
}

/** What counts as slow is settled before the block is looked at: by what the other release has shown until then. */
function betOnLatency(
  { control, latency }: Beside,
  block: { readonly release: Tally; readonly control: Tally },
  latencyBefore: Sample['latency'] | undefined,
): Bets {
  const known = control.requests >= MIN_REQUESTS ? control.latency : latencyBefore
  const { p95 } = figuresOf({ ...NO_TRAFFIC, latency: known ?? {} }, 0)
  if (p95 === undefined) return latency
  const slow = (tally: Tally): Counted => ({
    requests: tally.requests,
    errors: slowerThan(tally.latency, slowFrom(p95)),
  })
  return bet(latency, { release: slow(block.release), control: slow(block.control) })
}

function addedTo(
  { sum, weight }: Beside['difference'],
  { release, control }: { readonly release: Counted; readonly control: Counted },
): Beside['difference'] {
  const all = release.requests + control.requests
  if (all === 0) return { sum, weight }
  return {
    sum: sum + (release.errors * control.requests - control.errors * release.requests) / all,
    weight: weight + (release.requests * control.requests) / all,
  }
}

export interface EvidenceBeside extends Pick<ReleaseReport, 'after' | 'probes'> {
  readonly beside: Beside
  readonly margin?: number | undefined
}

/** Judges a release by the one beside it. */
export function judgeBeside(evidence: EvidenceBeside): { verdict: Verdict; reasons: string[] } {
  const bad = regressions(evidence)
  if (bad.length > 0) return { verdict: 'regressed', reasons: bad }
  const { after, beside, probes, margin = MARGIN } = evidence
  const open = tooFew(after, beside.control)
  if (open) return { verdict: 'not enough evidence', reasons: [open, probeLine(probes)] }
  const most = increaseAtMost(after, beside)
  const lines = [errorLine(after, beside.control), differenceLine(beside)]
  if (most >= margin)
    return {
      verdict: 'not enough evidence',
      reasons: [
        ...lines,
        `${percent(most)} more cannot be excluded; ${percent(margin)} is what is taken`,
        probeLine(probes),
      ],
    }
  const bound = `more than ${percent(most)} more can be excluded (95 %)`
  return { verdict: 'healthy', reasons: [...lines, bound, SAME_TIME, probeLine(probes)] }
}

/** So often in a row it may not answer: once may be chance. */
const MAX_SILENT = 3

/** Why nothing can be compared any more: whatever has the rest of the requests does not answer, while the release does. */
export function withoutControl({ silent }: Beside): string | undefined {
  if (silent < MAX_SILENT) return undefined
  return `what served beside it does not answer its health check any more (${silent} times in a row): there is nothing to compare with`
}

const SAME_TIME = 'both served at the same time: a cause outside the release would have met both'

function regressions({ after, beside, probes }: EvidenceBeside): string[] {
  const { control, errors, latency } = beside
  const reasons = tooManyProbesFailed(probes)
  const found: string[] = []
  if (worth(errors) >= 1 / FALSE_ALARMS.errors)
    found.push(`${errorLine(after, control)}: ${oddsOf(errors)} (${percent(FALSE_ALARMS.errors)} is what is taken)`)
  const [is, was] = [after.p95, figuresOf(control, 0).p95]
  if (is !== undefined && was !== undefined && is >= slowFrom(was) && worth(latency) >= 1 / FALSE_ALARMS.latency)
    found.push(
      `p95 latency ${is} ms, ${was} ms of the one beside it: ${oddsOf(latency)} (${percent(FALSE_ALARMS.latency)} is what is taken)`,
    )
  return found.length > 0 ? [...reasons, ...found, SAME_TIME] : reasons
}

/** How likely chance alone comes this far, at most, at any time of the watch. */
function oddsOf(bets: Bets): string {
  const most = 1 / worth(bets)
  return `chance alone comes this far in ${most < 0.0001 ? 'less than 0.01' : (100 * most).toPrecision(1)} % of watches at most`
}

function tooFew(after: Figures, control: Tally): string | undefined {
  if (after.requests >= MIN_REQUESTS && control.requests >= MIN_REQUESTS) return undefined
  return `${after.requests} requests, and ${control.requests} of the one beside it; at least ${MIN_REQUESTS} each are needed to judge`
}

/**
 * By how much the share of failed requests may be larger (95 %): Newcombe's interval around the difference by blocks, which no cause
 * outside moves, whatever the shares were at the time (Yan and Su, "Stratified Wilson and Newcombe confidence intervals", 2010).
 */
function increaseAtMost(after: Figures, { control, difference }: Beside): number {
  if (difference.weight === 0) return 1
  const rate = ({ requests, errors }: Counted) => (requests === 0 ? 0 : errors / requests)
  const up = wilson(after).high - rate(after)
  const down = rate(control) - wilson(control).low
  return Math.max(0, difference.sum / difference.weight + Math.hypot(up, down))
}

/** Both shares of failed requests, where they are compared look by look: what was wrong for a while counts on both sides. */
function differenceLine({ difference: { sum, weight } }: Beside): string {
  const off = weight === 0 ? 0 : sum / weight
  return `look by look, ${percent(Math.abs(off))} ${off < 0 ? 'fewer' : 'more'} of its requests failed than beside it`
}

function errorLine(after: Counted, control: Counted): string {
  return `errors ${after.errors} of ${after.requests}, ${control.errors} of ${control.requests} of the one beside it`
}
