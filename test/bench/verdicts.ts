import { besideFrom, compared, judgeBeside, shared } from '../../src/core/beside.ts'
import { judge, testDue } from '../../src/core/judge.ts'
import { bucketOf, figuresOf, NO_TRAFFIC, type Tally, tallied } from '../../src/core/traffic.ts'

/** Simulated watches: how often the judge raises a false alarm, how soon it sees a regression, and what it cannot tell. */

const MINUTES = 10
const LOOKS = 60
const SPAN = MINUTES * 60

interface World {
  readonly name: string
  /** Requests a second, before and after. */
  readonly rps: number
  /** Shares of failed requests, before and after. */
  readonly errors: readonly [number, number]
  /** Median latency in ms, before and after. */
  readonly ms?: readonly [number, number]
  /** Percent of the requests, step by step: it is judged by what serves the rest, which is as it was before. */
  readonly shares?: readonly number[]
  /** In the middle third of the watch everything fails so many times as often. */
  readonly outside?: number
}

const STEPS = [10, 50]

export interface Verdicts {
  readonly name: string
  readonly regressed: number
  readonly healthy: number
  /** Seconds until it was called a regression, the median; undefined where it never was. */
  readonly seconds: number | undefined
}

const WORLDS: readonly World[] = [
  ...[1, 10, 100].flatMap((rps) =>
    [0.001, 0.01, 0.1].map(
      (rate): World => ({ name: `nothing changed, ${rps}/s, ${100 * rate} % fail`, rps, errors: [rate, rate] }),
    ),
  ),
  { name: '1 → 3 % fail, 10/s', rps: 10, errors: [0.01, 0.03] },
  { name: '1 → 3 % fail, 100/s', rps: 100, errors: [0.01, 0.03] },
  { name: '0.1 → 40 % fail, 1/s', rps: 1, errors: [0.001, 0.4] },
  { name: 'three times as slow, 10/s', rps: 10, errors: [0.001, 0.001], ms: [80, 240] },
  { name: 'a cause outside: 1 → 2 % fail everywhere, 100/s', rps: 100, errors: [0.01, 0.02] },
  ...[1, 10, 100].flatMap((rps) =>
    [0.001, 0.01, 0.1].map((rate): World => {
      const name = `10, then 50 %: nothing changed, ${rps}/s, ${100 * rate} % fail`
      return { name, rps, errors: [rate, rate], shares: STEPS }
    }),
  ),
  ...[2, 10].map((outside): World => {
    const name = `10, then 50 %: a cause outside, 1 → ${outside} % fail everywhere, 100/s`
    return { name, rps: 100, errors: [0.01, 0.01], shares: STEPS, outside }
  }),
  { name: '10, then 50 %: 1 → 3 % fail, 10/s', rps: 10, errors: [0.01, 0.03], shares: STEPS },
  { name: '50 %: 1 → 3 % fail, 10/s', rps: 10, errors: [0.01, 0.03], shares: [50] },
  { name: '10, then 50 %: 1 → 3 % fail, 100/s', rps: 100, errors: [0.01, 0.03], shares: STEPS },
  { name: '10, then 50 %: 0.1 → 40 % fail, 1/s', rps: 1, errors: [0.001, 0.4], shares: STEPS },
  { name: '10, then 50 %: three times as slow, 10/s', rps: 10, errors: [0.001, 0.001], ms: [80, 240], shares: STEPS },
]

/** @param watches so many of each kind */
export function measureVerdicts(watches: number): Verdicts[] {
  return WORLDS.map((world) => {
    const ends = Array.from({ length: watches }, () => (world.shares ? watchedBeside(world) : watched(world)))
    const bad = ends.filter(({ verdict }) => verdict === 'regressed').map(({ seconds }) => seconds)
    const healthy = ends.filter(({ verdict }) => verdict === 'healthy').length
    const seconds = bad.toSorted((a, b) => a - b)[Math.floor(bad.length / 2)]
    return { name: world.name, regressed: bad.length / watches, healthy: healthy / watches, seconds }
  })
}

function watched({ rps, errors: [was, is], ms: [msBefore, msAfter] = [80, 80] }: World) {
  const before = drawn(rps * SPAN, was, msBefore)
  let after: Tally = NO_TRAFFIC
  for (let nth = 1; nth <= LOOKS; nth++) {
    after = sum(after, drawn((rps * SPAN) / LOOKS, is, msAfter))
    const seconds = (nth * SPAN) / LOOKS
    const { verdict } = judge({
      before: figuresOf(before, SPAN),
      after: figuresOf(after, seconds),
      probes: { passed: nth, failed: 0 },
      tests: testDue(nth / LOOKS) > testDue((nth - 1) / LOOKS),
      latency: { before: before.latency, after: after.latency },
    })
    if (verdict === 'regressed' || nth === LOOKS) return { verdict, seconds }
  }
  throw new Error('a watch has an end')
}

/** As `watched`, beside what serves the rest. */
function watchedBeside({ rps, errors: [was, is], ms: [msBeside, ms] = [80, 80], shares = [], outside = 1 }: World) {
  const shareAt = (part: number) => shares[Math.min(shares.length - 1, Math.floor(part * shares.length))] ?? 100
  let beside = besideFrom(shareAt(0), 0)
  let after: Tally = NO_TRAFFIC
  for (let nth = 1; nth <= LOOKS; nth++) {
    const part = (nth - 1) / LOOKS
    const times = part > 1 / 3 && part < 2 / 3 ? outside : 1
    // Who gets a request is left to chance.
    const all = Math.round((rps * SPAN) / LOOKS)
    const own = Array.from({ length: all }, () => Math.random() * 100 < beside.percent).filter(Boolean).length
    const at = part * SPAN * 1000
    const release = { at, ...drawn(own, is * times, ms) }
    beside = compared(
      beside,
      { release: [release], control: [{ at, ...drawn(all - own, was * times, msBeside) }] },
      undefined,
    )
    after = tallied(after, [release])
    const seconds = (nth * SPAN) / LOOKS
    const probes = { passed: nth, failed: 0 }
    const { verdict } = judgeBeside({ after: figuresOf(after, seconds), beside, probes })
    if (verdict === 'regressed' || nth === LOOKS) return { verdict, seconds }
    const next = shareAt(nth / LOOKS)
    if (next !== beside.percent) beside = shared(beside, next, seconds * 1000)
  }
  throw new Error('a watch has an end')
}

/** Requests with a log-normal latency. */
function drawn(requests: number, rate: number, median: number): Tally {
  const n = Math.round(requests)
  const latency: Record<number, number> = {}
  let errors = 0
  for (let i = 0; i < n; i++) {
    if (Math.random() < rate) errors++
    const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
    const bucket = bucketOf(median * Math.exp(0.5 * normal))
    latency[bucket] = (latency[bucket] ?? 0) + 1
  }
  return { requests: n, errors, latency, failures: {} }
}

function sum(a: Tally, b: Tally): Tally {
  const latency: Record<number, number> = { ...a.latency }
  for (const [bucket, count] of Object.entries(b.latency))
    latency[Number(bucket)] = (latency[Number(bucket)] ?? 0) + count
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, latency, failures: {} }
}
