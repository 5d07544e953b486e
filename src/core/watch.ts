import type { CanaryEnd, Figures, ReleaseReport, Verdict, Watch } from './artefacts.ts'
import { compared, judgeBeside, shared, withoutControl } from './beside.ts'
import type { Canary } from './environments/gates.ts'
import { beyondLimits, firstSigns, type Limits, type Signs, signsSince } from './limits.ts'
import { judge, testDue } from './judge.ts'
import { figuresOf, NO_TRAFFIC, type Sample, type Tally, tallied } from './traffic.ts'

/** A watch of a release: one look after the other, each a step of its own that goes on from where the last one stopped. Pure. */

/** The series of a report has so many parts. */
const SLICES = 12
/** What is counted is written down a moment later; ms. */
export const LAG_MS = 2000
/** How often it is looked whether what was counted can be read, where the watch is over; ms. */
const OVERDUE_MS = 30_000
/** How far looks are apart: a part of the watch, and these at least and at most; ms. */
const PAUSE = { part: 1 / 60, least: 1000, most: 5 * 60_000 } as const

/** The watch before its first look. @param from when the release went live, ms since the epoch */
export function watchFrom(from: number, before: Figures, latencyBefore?: Tally['latency']): Watch {
  return {
    from,
    before,
    latencyBefore,
    tally: NO_TRAFFIC,
    until: from,
    probes: { passed: 0, failed: 0 },
    tests: 0,
    series: [],
  }
}

/** What a look has found. */
export interface Seen {
  /** Of this release alone, from the end of the look before to `until`. */
  readonly samples: readonly Sample[]
  /** The same of what has the rest of the requests. */
  readonly control?: readonly Sample[] | undefined
  readonly isControlHealthy?: boolean | undefined
  /** ms since the epoch, no earlier than before. */
  readonly until: number
  /** Whether the release answered its health check. */
  readonly isHealthy: boolean
  readonly signs?: Signs | undefined
}

/** What comes of a look: the next one, or the end with what it was judged. */
export type Looked =
  | {
      readonly kind: 'again'
      readonly watch: Watch
      readonly at: number
    }
  | {
      readonly kind: 'over'
      readonly watch: Watch
      readonly verdict: Verdict
      readonly reasons: readonly string[]
      /** What becomes of it, where it had a share of the requests. */
      readonly end?: CanaryEnd | undefined
    }

/** How an environment is watched. */
export interface Watching {
  /** How long. */
  readonly seconds: number
  /** By how much the share of failed requests may have grown in what is called healthy. */
  readonly margin?: number | undefined
  readonly canary?: Canary | undefined
  readonly limits?: Limits | undefined
  /** How long after it came in something can be counted; undefined: `LAG_MS`. */
  readonly lag?: number | undefined
}

/** One look. */
export function look(before: Watch, seen: Seen, watching: Watching, now: number): Looked {
  const { samples, control = [], until, isHealthy, isControlHealthy, signs = {} } = seen
  const { seconds } = watching
  const passed = (until - before.from) / (seconds * 1000)
  const due = testDue(passed)
  const watch: Watch = {
    ...before,
    tally: tallied(before.tally, samples),
    until,
    probes: {
      passed: before.probes.passed + (isHealthy ? 1 : 0),
      failed: before.probes.failed + (isHealthy ? 0 : 1),
    },
    tests: due,
    series: seriesOf(before, samples, until, seconds),
    signs: { first: firstSigns(before.signs?.first, signs), last: signs },
    ...(before.beside && {
      beside: compared(before.beside, { release: samples, control, isControlHealthy }, before.latencyBefore),
    }),
  }
  // The last test is made at the end, whatever was missed meanwhile.
  const { verdict, reasons } = judged(watch, watching, passed >= 1 || due > before.tests)
  const alone = watch.beside && withoutControl(watch.beside)
  // Most people get no answer: better they are given what does answer, than that they wait.
  if (alone && isHealthy && verdict !== 'regressed')
    return { kind: 'over', watch, verdict: 'not enough evidence', reasons: [alone], end: 'promoted' }
  if (passed >= 1 || verdict === 'regressed')
    return { kind: 'over', watch, verdict, reasons, ...(watch.beside && { end: endOf(verdict, watching) }) }
  return { kind: 'again', watch: withNext(watch, shareAt(passed, watching)), at: nextLook(watch, watching, now) }
}

/** What is to be given from the next look on, where that is another share. */
function withNext(watch: Watch, percent: number | undefined): Watch {
  const { beside } = watch
  if (!beside || percent === undefined || percent === beside.percent) return watch
  return { ...watch, beside: { ...beside, next: percent } }
}

function judged(
  watch: Watch,
  { margin, limits = {} }: Watching,
  tests: boolean,
): { verdict: Verdict; reasons: string[] } {
  const { before, beside, probes, latencyBefore: slow, tally, signs } = watch
  const after = afterOf(watch)
  const beyond = beyondLimits(limits, after, signsSince(signs?.first, signs?.last ?? {}))
  if (beyond.length > 0) return { verdict: 'regressed', reasons: beyond }
  if (beside) return judgeBeside({ after, beside, probes, margin })
  return judge({ before, after, probes, latency: slow && { before: slow, after: tally.latency }, margin, tests })
}

/** Percent of the requests in that part of the watch. */
function shareAt(passed: number, { canary }: Watching): number | undefined {
  const steps = canary?.steps ?? []
  return steps[Math.min(steps.length - 1, Math.floor(passed * steps.length + 1e-9))]
}

/** What is not worse gets all; where nobody can tell, as the settings say. What has the rest serves all the while: going back to it needs no more. */
function endOf(verdict: Verdict, { canary }: Watching): CanaryEnd {
  const isUnwanted = verdict === 'regressed' || (verdict === 'not enough evidence' && canary?.unsure === 'back')
  return isUnwanted ? 'back' : 'promoted'
}

/** It has been given another share. */
export function withShare(watch: Watch, percent: number, now: number): Watch {
  return watch.beside ? { ...watch, beside: shared(watch.beside, percent, now) } : watch
}

/** The figures of the release so far. */
export function afterOf({ tally, until, from }: Watch): Figures {
  return figuresOf(tally, Math.max(0, until - from) / 1000)
}

/** Until when a look can count: what was measured in the last moments is not written down yet. */
export function countedUntil({ from, until }: Watch, seconds: number, now: number, lag = LAG_MS): number {
  const whole = Math.floor((now - lag) / 1000) * 1000
  return Math.max(until, Math.min(whole, from + seconds * 1000))
}

function nextLook({ from }: Watch, { seconds, lag = LAG_MS }: Watching, now: number): number {
  const pause = Math.min(PAUSE.most, Math.max(PAUSE.least, seconds * 1000 * PAUSE.part))
  // The last look is made when all of the watch has been written down.
  const end = Math.ceil(from / 1000) * 1000 + seconds * 1000 + lag + 1000
  // It is over, and what was counted cannot be read yet.
  if (end <= now) return now + Math.max(pause, OVERDUE_MS)
  return Math.max(now + PAUSE.least, Math.min(now + pause, end))
}

/** Requests and errors in equal slices of the watch, up to a moment. */
function seriesOf(
  { from, series }: Watch,
  samples: readonly Sample[],
  until: number,
  seconds: number,
): Watch['series'] {
  const width = Math.max(1, Math.ceil(seconds / SLICES))
  const count = Math.max(1, Math.ceil((until - from) / 1000 / width))
  const sliceAt = (at: number) => Math.min(count - 1, Math.max(0, Math.floor((at - from) / 1000 / width)))
  return Array.from({ length: count }, (_, slice) => {
    const inside = samples.filter(({ at }) => sliceAt(at) === slice)
    const known = series[slice]
    return {
      second: slice * width,
      requests: inside.reduce((sum, { requests }) => sum + requests, known?.requests ?? 0),
      errors: inside.reduce((sum, { errors }) => sum + errors, known?.errors ?? 0),
    }
  })
}

/** The report at the end of a watch. */
export function reportOf(
  { watch, verdict, reasons, end }: Extract<Looked, { kind: 'over' }>,
  release: Pick<ReleaseReport, 'environment' | 'sha' | 'url'>,
): ReleaseReport {
  const { probes, series, beside } = watch
  const after = afterOf(watch)
  const before = beside ? figuresOf(beside.control, after.seconds) : watch.before
  const canary = beside && end ? { canary: { percent: beside.percent, end } } : {}
  return { ...release, verdict, reasons, before, after, probes, series, ...canary }
}
