import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Counts } from '../../src/releases/local/proxy/counts.ts'
import type { Counted } from '../../src/releases/local/proxy/protocol.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const sha = fc.constantFrom('a', 'b')
const move = fc.oneof(
  fc.record({
    kind: fc.constant('request' as const),
    sha,
    ms: fc.double({ min: 0, max: 70_000, noNaN: true }),
    failed: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4000 }) }),
  // What was told is written down, or does not arrive; and whoever asked may begin anew, and not know what it had.
  fc.record({ kind: fc.constant('take' as const), arrives: fc.boolean(), forgets: fc.boolean() }),
  // The clock is told late, by as long as that was under way.
  fc.record({ kind: fc.constant('clock' as const), late: fc.integer({ min: 0, max: 5000 }) }),
  // The next one has begun to serve before it is told what was counted.
  fc.record({ kind: fc.constant('heir' as const), early: fc.integer({ min: 0, max: 3 }) }),
)

/** As the database keeps it: one row per release and second, and a second one changes nothing. */
class Written {
  readonly rows = new Map<string, { requests: number; errors: number }>()
  add(counted: readonly Counted[]): void {
    for (const { sha: release, samples } of counted)
      for (const { at, requests, errors } of samples) {
        const key = `${release} ${at}`
        if (!this.rows.has(key)) this.rows.set(key, { requests, errors })
      }
  }
  sum(): { requests: number; errors: number } {
    const add = (a: { requests: number; errors: number }, b: { requests: number; errors: number }) => ({
      requests: a.requests + b.requests,
      errors: a.errors + b.errors,
    })
    return [...this.rows.values()].reduce(add, { requests: 0, errors: 0 })
  }
}

it('has every request written down once, whatever does not arrive and whoever goes on counting', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      let counts = new Counts()
      const written = new Written()
      let acknowledged = 0
      const made = { requests: 0, errors: 0 }
      for (const one of moves) {
        if (one.kind === 'wait') vi.advanceTimersByTime(one.ms)
        const request = (by: Counts, sha: string, ms: number, failed: boolean) => {
          made.requests++
          made.errors += failed ? 1 : 0
          const failure = failed ? 'status' : undefined
          by.add({ repository: 'acme/x', environment: 'production', sha, ms, failure })
        }
        if (one.kind === 'request') request(counts, one.sha, one.ms, one.failed)
        if (one.kind === 'clock') counts.setClock(Date.now() + 3_600_000 - one.late)
        if (one.kind === 'take') {
          const { batch, counted } = counts.take(acknowledged)
          if (one.arrives) written.add(counted)
          if (one.arrives) acknowledged = batch
          if (one.forgets) acknowledged = 0
        }
        if (one.kind === 'heir') {
          const next = new Counts()
          for (let nth = 0; nth < one.early; nth++) request(next, 'a', 1, false)
          next.inherit(JSON.parse(JSON.stringify(counts.whole())))
          counts = next
        }
      }
      vi.advanceTimersByTime(1000)
      written.add(counts.take(acknowledged).counted)
      expect(written.sum()).toEqual(made)
    }),
    { numRuns: 300 },
  )
})
