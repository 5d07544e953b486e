import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../../src/core/artefacts.ts'
import { newcombe } from '../../src/core/bounds.ts'
import { fewestTelling, fisherMoreErrors } from '../../src/core/fisher.ts'
import { judge as judgeAt, MIN_REQUESTS, TESTS, testDue } from '../../src/core/judge.ts'
import { BUCKETS, figuresOf, NO_TRAFFIC, tallied } from '../../src/core/traffic.ts'

const figures = (requests: number, errors: number, p95 = 10): Figures => ({
  seconds: 60,
  requests,
  errors,
  p50: 5,
  p95,
})
const judge = (evidence: Omit<Parameters<typeof judgeAt>[0], 'tests'>) => judgeAt({ ...evidence, tests: true })
const probes = { passed: 10, failed: 0 }

describe('the judge of a release', () => {
  it('never calls a release healthy without enough requests', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MIN_REQUESTS - 1 }), fc.integer({ min: 0, max: 1000 }), (after, before) => {
        expect(judge({ before: figures(before, 0), after: figures(after, 0), probes }).verdict).not.toBe('healthy')
      }),
    )
  })

  it.each([
    [1000, 0, 300, 0, 'healthy'],
    [50, 0, 50, 10, 'regressed'],
    [300, 0, 300, 11, 'regressed'],
    [300, 0, 300, 10, 'not enough evidence'],
    [300, 0, 300, 2, 'healthy'],
    [300, 30, 300, 32, 'healthy'],
    [0, 0, 168, 0, 'healthy'],
    [0, 0, 168, 3, 'not enough evidence'],
    [0, 0, 100, 20, 'regressed'],
    [1000, 0, 10, 0, 'not enough evidence'],
  ] as const)('before %i requests with %i errors, after %i with %i: %s', (n1, e1, n2, e2, verdict) =>
    expect(judge({ before: figures(n1, e1), after: figures(n2, e2), probes }).verdict).toBe(verdict),
  )

  it('counts failed probes and a much slower service', () => {
    expect(judge({ before: figures(100, 0), after: figures(100, 0), probes: { passed: 8, failed: 2 } }).verdict).toBe(
      'regressed',
    )
    expect(judge({ before: figures(100, 0, 50), after: figures(100, 0, 400), probes }).verdict).toBe('regressed')
    expect(judge({ before: figures(100, 0, 5), after: figures(100, 0, 12), probes }).verdict).toBe('healthy')
  })

  it("agrees with published values of Fisher's exact test", () => {
    // Fisher's tea: 3 of 4 right in each row; one-sided p = 17/70.
    expect(fisherMoreErrors({ requests: 4, errors: 1 }, { requests: 4, errors: 3 })).toBeCloseTo(17 / 70, 8)
    // With no errors before and equal n = 50, p < 0.01 needs 7 errors.
    expect(fisherMoreErrors({ requests: 50, errors: 0 }, { requests: 50, errors: 6 })).toBeGreaterThan(0.01)
    expect(fisherMoreErrors({ requests: 50, errors: 0 }, { requests: 50, errors: 7 })).toBeLessThan(0.01)
  })

  it('is a probability, and falls as errors grow', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.nat(100),
        fc.nat(100),
        (n1, n2, e1, e2) => {
          const [errors1, errors2] = [Math.min(e1, n1), Math.min(e2, n2)]
          const p = fisherMoreErrors({ requests: n1, errors: errors1 }, { requests: n2, errors: errors2 })
          expect(p).toBeGreaterThanOrEqual(0)
          expect(p).toBeLessThanOrEqual(1)
          if (errors2 < n2)
            expect(
              fisherMoreErrors({ requests: n1, errors: errors1 }, { requests: n2, errors: errors2 + 1 }),
            ).toBeLessThanOrEqual(p + 1e-9)
        },
      ),
    )
  })

  it('sums samples into figures', () => {
    const first = tallied(NO_TRAFFIC, [{ at: 0, requests: 3, errors: 1, latency: { 0: 3 }, failures: { status: 1 } }])
    const both = tallied(first, [
      { at: 1, requests: 1, errors: 1, latency: { 40: 1 }, failures: { status: 1, cut: 0 } },
    ])
    expect(figuresOf(both, 10)).toMatchObject({ requests: 4, errors: 2, p50: 1, p95: 1024, failures: { status: 2 } })
    expect(figuresOf(NO_TRAFFIC, 10).p50).toBeUndefined()
  })

  it("is Fisher's test as it is defined, however it is summed", () => {
    const small = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(small, small, small, small, (n1, n2, a, b) => {
        const [before, after] = [
          { requests: n1, errors: Math.min(a, n1) },
          { requests: n2, errors: Math.min(b, n2) },
        ]
        expect(fisherMoreErrors(before, after)).toBeCloseTo(byDefinition(before, after), 9)
      }),
      { numRuns: 2000 },
    )
  })

  it('finds the fewest errors that would tell', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(100), fc.integer({ min: 1, max: 400 }), (n1, e1, n2) => {
        const before = { requests: n1, errors: Math.min(e1, n1) }
        const fewest = fewestTelling(before, n2, 0.001)
        const p = (errors: number) => fisherMoreErrors(before, { requests: n2, errors })
        if (fewest === undefined) {
          expect(p(n2)).toBeGreaterThanOrEqual(0.001)
          return
        }
        expect(p(fewest)).toBeLessThan(0.001)
        expect(fewest === 0 || p(fewest - 1) >= 0.001).toBe(true)
      }),
    )
  })

  it('judges ten million requests by a sum whose length is not theirs', () => {
    const many = { requests: 10_000_000, errors: 50_000 }
    expect(fisherMoreErrors(many, many)).toBeCloseTo(0.5, 2)
    // As far off as the normal approximation says: 3.0902 standard deviations of a difference are one in a thousand.
    const spread = 3.0902 * Math.sqrt(2 * many.requests * 0.00505)
    expect(Math.abs((fewestTelling(many, many.requests, 0.001) ?? 0) - many.errors - spread)).toBeLessThan(5)
  })

  it('raises a false alarm in one watch of a hundred at most, though it looks again and again', () => {
    const random = seeded(7)
    const draw = (n: number, rate: number) => Array.from({ length: n }).filter(() => random() < rate).length
    for (const rate of [0.01, 0.1]) {
      const watches = 1500
      let alarms = 0
      for (let watch = 0; watch < watches; watch++) {
        const before = figures(1000, draw(1000, rate))
        let errors = 0
        for (let look = 1; look <= 40; look++) {
          errors += draw(25, rate)
          const tests = testDue(look / 40) > testDue((look - 1) / 40)
          if (judgeAt({ before, after: figures(25 * look, errors), probes, tests }).verdict !== 'regressed') continue
          alarms++
          break
        }
      }
      expect(alarms / watches).toBeLessThanOrEqual(0.01)
    }
  })

  it('has the intervals that are published', () => {
    // Newcombe 1998, Statistics in Medicine 17, Table II, method 10, 95 % two-sided: (a), (c), (e), (g), (h).
    const at = (x1: number, n1: number, x2: number, n2: number) =>
      Object.values(newcombe({ requests: n2, errors: x2 }, { requests: n1, errors: x1 }, 1.959963984540054)).map(
        (one) => Number(one.toFixed(4)),
      )
    expect(at(56, 70, 48, 80)).toEqual([0.0524, 0.3339])
    expect(at(9, 10, 3, 10)).toEqual([0.1705, 0.809])
    expect(at(5, 56, 0, 29)).toEqual([-0.0381, 0.1926])
    expect(at(0, 10, 0, 10)).toEqual([-0.2775, 0.2775])
    expect(at(10, 10, 0, 20)).toEqual([0.6791, 1])
  })

  it('calls healthy only what can be told to be no worse than by the margin', () => {
    const at = (margin: number | undefined, after: number) =>
      judge({ before: figures(1000, 5), after: figures(after, 0), probes, margin })
    expect(at(undefined, 100).verdict).toBe('healthy')
    expect(at(0.01, 100)).toMatchObject({
      verdict: 'not enough evidence',
      reasons: [expect.any(String), expect.stringContaining('1.0 % is what is taken'), expect.any(String)],
    })
    expect(at(0.01, 1000).verdict).toBe('healthy')
    fc.assert(
      fc.property(
        fc.integer({ min: 50, max: 3000 }),
        fc.nat(20),
        fc.integer({ min: 50, max: 3000 }),
        fc.nat(20),
        (n1, e1, n2, e2) => {
          const [before, after] = [figures(n1, e1), figures(n2, e2)]
          const { verdict } = judge({ before, after, probes, margin: 0.02 })
          if (verdict === 'healthy') expect(newcombe(before, after).high).toBeLessThan(0.02)
        },
      ),
    )
  })

  it('calls slower what is so by more than the floor and more than chance', () => {
    const bucket = (ms: number) => BUCKETS.findIndex((bound) => ms <= bound)
    const verdict = (before: readonly [number, number], after: readonly [number, number]) => {
      const counts = ([fast, slow]: readonly [number, number]) => ({ [bucket(50)]: fast, [bucket(900)]: slow })
      const tally = (one: readonly [number, number]) => ({
        ...NO_TRAFFIC,
        requests: one[0] + one[1],
        latency: counts(one),
      })
      const [was, is] = [figuresOf(tally(before), 60), figuresOf(tally(after), 60)]
      const latency = { before: counts(before), after: counts(after) }
      return judge({ before: was, after: is, probes, latency }).verdict
    }
    expect(verdict([980, 20], [800, 200])).toBe('regressed')
    // Six of a hundred where two were: the p95 jumps, and it is chance all the same.
    expect(verdict([98, 2], [94, 6])).toBe('healthy')
    expect(verdict([980, 20], [981, 19])).toBe('healthy')
  })

  it('has its tests at equal distances, the last at the end', () => {
    expect([0, 0.099, 0.1, 0.3, 0.95, 1, 2].map(testDue)).toEqual([0, 0, 1, 3, 9, TESTS, TESTS])
  })
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function byDefinition(
  before: { requests: number; errors: number },
  after: { requests: number; errors: number },
): number {
  const ways = (n: number, k: number): number => {
    if (k < 0 || k > n) return 0
    let product = 1
    for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i
    return product
  }
  const errors = before.errors + after.errors
  let sum = 0
  for (let k = after.errors; k <= Math.min(errors, after.requests); k++)
    sum += ways(after.requests, k) * ways(before.requests, errors - k)
  return sum / ways(before.requests + after.requests, errors)
}
