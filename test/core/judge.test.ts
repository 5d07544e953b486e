import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Figures } from '../../src/core/artefacts.ts'
import { fisherMoreErrors, judge, MIN_REQUESTS } from '../../src/core/judge.ts'
import { figuresOf } from '../../src/core/traffic.ts'

const figures = (requests: number, errors: number, p95 = 10): Figures => ({
  seconds: 60,
  requests,
  errors,
  p50: 5,
  p95,
})
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
    [50, 0, 50, 7, 'regressed'],
    [300, 0, 300, 7, 'regressed'],
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
    const sum = figuresOf(
      [
        { at: 0, requests: 3, errors: 1, latency: { 0: 3 } },
        { at: 1, requests: 1, errors: 0, latency: { 40: 1 } },
      ],
      10,
    )
    expect(sum).toMatchObject({ requests: 4, errors: 1, p50: 1, p95: 1024 })
    expect(figuresOf([], 10).p50).toBeUndefined()
  })
})
