import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { besideFrom, compared, judgeBeside, shared } from '../../src/core/beside.ts'
import { bet, NO_BETS, worth } from '../../src/core/eprocess.ts'
import { bucketOf, figuresOf, NO_TRAFFIC, type Sample, tallied } from '../../src/core/traffic.ts'

/** n choose k. */
function choose(n: number, k: number): number {
  let product = 1
  for (let i = 1; i <= k; i++) product *= (n - k + i) / i
  return product
}

const sample = (second: number, requests: number, errors: number, ms = 10): Sample => ({
  at: second * 1000,
  requests,
  errors,
  latency: { [bucketOf(ms)]: requests },
})

describe('the bet that a release fails more often than the one beside it', () => {
  it('is fair: were there no difference, it is worth what was staked, on average', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 80 }), ([n1, n2], wanted) => {
        const failed = Math.min(wanted, n1 + n2)
        let mean = 0
        for (let k = Math.max(0, failed - n1); k <= Math.min(failed, n2); k++) {
          const chance = (choose(n2, k) * choose(n1, failed - k)) / choose(n1 + n2, failed)
          const block = { control: { requests: n1, errors: failed - k }, release: { requests: n2, errors: k } }
          mean += chance * worth(bet(NO_BETS, block))
        }
        expect(mean).toBeCloseTo(1, 6)
      }),
    )
  })

  it('is worth more the more of the failures are of the release', () => {
    const at = (errors: number) =>
      worth(bet(NO_BETS, { control: { requests: 900, errors: 20 - errors }, release: { requests: 100, errors } }))
    for (let errors = 1; errors <= 20; errors++) expect(at(errors)).toBeGreaterThan(at(errors - 1))
    expect(at(0)).toBeLessThan(1)
    expect(at(12)).toBeGreaterThan(1000)
  })

  it('of one failure is the odds over their mean, as anybody can reckon', () => {
    // Half of the requests each: E = (1/m) Σ 2ψ/(1+ψ).
    const odds = [1.5, 2, 3, 5, 10, 30, 100]
    const expected = odds.reduce((sum, one) => sum + (2 * one) / (1 + one), 0) / odds.length
    const block = { control: { requests: 50, errors: 0 }, release: { requests: 50, errors: 1 } }
    expect(worth(bet(NO_BETS, block))).toBeCloseTo(expected, 9)
  })

  it('tells nothing where one side was asked nothing, or nothing failed', () => {
    expect(bet(NO_BETS, { control: { requests: 0, errors: 0 }, release: { requests: 9, errors: 9 } })).toEqual(NO_BETS)
    expect(bet(NO_BETS, { control: { requests: 9, errors: 0 }, release: { requests: 9, errors: 0 } })).toEqual(NO_BETS)
  })

  it('stays a number at any size', () => {
    const counted = fc
      .integer({ min: 0, max: 10_000_000 })
      .chain((requests) =>
        fc.record({ requests: fc.constant(requests), errors: fc.integer({ min: 0, max: requests }) }),
      )
    fc.assert(
      fc.property(counted, counted, (control, release) => {
        const bets = bet(NO_BETS, { control, release })
        expect(bets.every((one) => Number.isFinite(one))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a release that has a share of the requests', () => {
  const probes = { passed: 10, failed: 0 }
  const judged = (looks: readonly (readonly [control: Sample, release: Sample])[], percent = 50, margin?: number) => {
    let beside = besideFrom(percent, 0)
    let tally = NO_TRAFFIC
    for (const [control, release] of looks) {
      beside = compared(beside, { control: [control], release: [release] }, undefined)
      tally = tallied(tally, [release])
    }
    return judgeBeside({ after: figuresOf(tally, 60), beside, probes, margin })
  }
  const looks = (count: number, each: (nth: number) => readonly [Sample, Sample]) =>
    Array.from({ length: count }, (_, nth) => each(nth))

  it('is healthy where it fails no more often, regressed where it does, and else neither', () => {
    expect(judged(looks(10, (nth) => [sample(nth, 100, 1), sample(nth, 100, 1)])).verdict).toBe('healthy')
    const worse = judged(looks(10, (nth) => [sample(nth, 100, 1), sample(nth, 100, 8)]))
    expect(worse.verdict).toBe('regressed')
    expect(worse.reasons.join('\n')).toContain('both served at the same time')
    expect(judged(looks(3, (nth) => [sample(nth, 10, 0), sample(nth, 10, 0)])).verdict).toBe('not enough evidence')
    expect(
      judged(
        looks(10, (nth) => [sample(nth, 100, 1), sample(nth, 100, 1)]),
        50,
        0.001,
      ).verdict,
    ).toBe('not enough evidence')
  })

  it('is not blamed for what fails everywhere, whatever its share was then', () => {
    // First one request in ten, then one in two, while something outside is out.
    const calm = looks(10, (nth) => [sample(nth, 900, 9), sample(nth, 100, 1)])
    const out = looks(10, (nth) => [sample(10 + nth, 500, 150), sample(10 + nth, 500, 150)])
    const { verdict, reasons } = judged([...calm, ...out])
    expect(verdict).toBe('healthy')
    expect(reasons.join('\n')).toContain('look by look, 0.0 % more of its requests failed')
  })

  it('is regressed where it is slower than the one beside it, and not where both are', () => {
    const slow = looks(10, (nth) => [sample(nth, 100, 0, 20), sample(nth, 100, 0, 400)])
    expect(judged(slow)).toMatchObject({
      verdict: 'regressed',
      reasons: [expect.stringContaining('p95 latency'), expect.any(String)],
    })
    const both = looks(20, (nth) => [
      sample(nth, 100, 0, nth < 10 ? 20 : 400),
      sample(nth, 100, 0, nth < 10 ? 20 : 400),
    ])
    expect(judged(both).verdict).toBe('healthy')
  })

  it('is compared by what came in while its share was known', () => {
    const beside = shared(besideFrom(10, 0), 50, 4200)
    expect(beside).toMatchObject({ percent: 50, since: 5000 })
    const seen = { control: [sample(4, 100, 0), sample(5, 100, 0)], release: [sample(4, 100, 90), sample(5, 100, 0)] }
    const after = compared(beside, seen, undefined)
    expect([worth(after.errors), after.control.requests]).toEqual([1, 200])
  })

  it('whose health checks fail is regressed, whatever was counted', () => {
    const beside = besideFrom(10, 0)
    const { verdict } = judgeBeside({ after: figuresOf(NO_TRAFFIC, 1), beside, probes: { passed: 1, failed: 2 } })
    expect(verdict).toBe('regressed')
  })
})
