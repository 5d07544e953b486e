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
  fc.record({ kind: fc.constant('heir' as const) }),
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
        if (one.kind === 'request') {
          made.requests++
          made.errors += one.failed ? 1 : 0
          counts.add({
            repository: 'acme/x',
            environment: 'production',
            sha: one.sha,
            ms: one.ms,
            failure: one.failed ? 'status' : undefined,
          })
        }
        if (one.kind === 'take') {
          const { batch, counted } = counts.take(acknowledged)
          if (one.arrives) written.add(counted)
          if (one.arrives) acknowledged = batch
          if (one.forgets) acknowledged = 0
        }
        if (one.kind === 'heir') {
          const next = new Counts()
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
