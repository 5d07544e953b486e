import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beyondLimits, linesWith, signsSince } from '../../src/core/limits.ts'
import { look, watchFrom } from '../../src/core/watch.ts'

const after = (requests: number, errors: number, p95 = 10) => ({ requests, errors, p95 })
const before = { seconds: 60, requests: 1000, errors: 0, p50: 10, p95: 20 }
const NOW = 1_000_000

describe('what is too much by itself', () => {
  it.each([
    [{ errors: 0.2 }, after(20, 5), {}, '25.0 % of 20 requests failed; 20.0 % is the limit'],
    [{ errors: 0.2 }, after(20, 4), {}, undefined],
    [{ errors: 0.2 }, after(19, 19), {}, undefined],
    [{ p95: 500 }, after(20, 0, 501), {}, 'p95 latency 501 ms; 500 ms is the limit'],
    [{ p95: 500 }, after(19, 0, 9000), {}, undefined],
    [{}, after(0, 0), { restarts: 3 }, 'it was started again 3 times'],
    [{}, after(0, 0), { restarts: 2 }, undefined],
    [{ restarts: 1 }, after(0, 0), { restarts: 1 }, 'it was started again once'],
    [
      { log: { words: ['FATAL', 'panic:'], most: 1 } },
      after(0, 0),
      { lines: 2 },
      '2 of the last lines of its log have “FATAL” or “panic:”; 1 is the limit',
    ],
    [{ log: { words: ['FATAL'], most: 2 } }, after(0, 0), { lines: 2 }, undefined],
  ])('by %o: %o %o', (limits, figures, signs, what) => {
    expect(beyondLimits(limits, figures, signs)).toEqual(what === undefined ? [] : [what])
  })

  it('is nothing where nothing is said and nothing was started again', () => {
    const count = fc.nat(1_000_000)
    fc.assert(
      fc.property(count, count, count, (requests, errors, p95) => {
        expect(beyondLimits({}, after(requests, errors, p95), { lines: 99, restarts: 0 })).toEqual([])
      }),
    )
  })

  it('counts from the first look on: what was there before is not of this watch', () => {
    expect(signsSince({ restarts: 5, lines: 3 }, { restarts: 6, lines: 2 })).toEqual({ restarts: 1, lines: 0 })
    expect(signsSince(undefined, { restarts: 2 })).toEqual({ restarts: 2, lines: undefined })
  })

  it('counts lines once, whatever their case', () => {
    expect(linesWith('a Fatal fatal\nok\nPANIC: x\n', ['fatal', 'panic:'])).toBe(2)
  })

  it('ends the watch at once', () => {
    const watching = { seconds: 600, limits: { log: { words: ['FATAL'], most: 0 } } }
    const seen = (lines: number, restarts: number) => ({
      samples: [],
      until: NOW + 1000,
      isHealthy: true,
      signs: { lines, restarts },
    })
    const first = look(watchFrom(NOW, before), seen(4, 9), watching, NOW + 3000)
    expect(first.kind).toBe('again')
    const second = look(first.watch, seen(4, 10), watching, NOW + 4000)
    expect(second.kind).toBe('again')
    const third = look(second.watch, seen(5, 10), watching, NOW + 5000)
    expect(third).toMatchObject({
      kind: 'over',
      verdict: 'regressed',
      reasons: [expect.stringContaining('1 of the last lines')],
    })
  })
})
