import fc from 'fast-check'
import { expect, it } from 'vitest'
import { besideText, type CaseResult, median, resultsText, summaryOf } from '../../rehearsal/eval/results.ts'

const result = (more: Partial<CaseResult>): CaseResult => ({
  name: 'a',
  arm: 'muster',
  outcome: 'solved',
  reason: '',
  turns: 10,
  usd: 1,
  seconds: 60,
  ...more,
})

it('the median has half below and half above it, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
      const middle = median(values)
      expect(values.filter((one) => one < middle).length).toBeLessThanOrEqual(values.length / 2)
      expect(values.filter((one) => one > middle).length).toBeLessThanOrEqual(values.length / 2)
      expect(median(values.toReversed())).toBe(middle)
    }),
  )
  expect(median([])).toBe(0)
})

it('what was left out counts nowhere; what failed counts as unsolved', () => {
  const cases = [
    result({}),
    result({ outcome: 'error', turns: 0, usd: 0 }),
    result({ outcome: 'skipped', turns: 99, usd: 99 }),
    result({ outcome: 'invalid', turns: 99 }),
    result({ arm: 'bare', turns: 5, usd: 0.5 }),
  ]
  expect(summaryOf(cases, 'muster')).toMatchObject({ cases: 2, solved: 1, medianTurns: 5, totalUsd: 1 })
  expect(besideText(cases, 'muster', 'bare')).toBe(
    'muster beside bare: turns × 1.00, cost × 1.00, time × 1.00, solved 1 against 1',
  )
  expect(besideText(cases, 'muster', 'nobody')).toBeUndefined()
  const text = resultsText({ version: 1, at: '', models: '', cases })
  expect(text).toContain('1 of 2 solved (50 %)')
})
