import { type End, pauseMs, verdictOf } from '../../src/core/poison.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BREAKER, CLOSED, type BreakerState, failedAt, mayTry, succeeded } from '../../src/core/breaker.ts'
import { brokenLink, CHAIN_START, extend, type Link } from '../../src/core/chain.ts'
import { FairShares } from '../../src/core/fair.ts'
import { block, FULL, GITHUB_LIMITS, type RateState, take } from '../../src/core/rate.ts'

describe('token buckets', () => {
  const WINDOWS = [
    ['contentMinute', 60_000, 80],
    ['contentHour', 3_600_000, 500],
    ['points', 60_000, 900],
    ['requests', 3_600_000, 5000],
  ] as const

  it('never let more through than the provider allows, in any window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 50, maxLength: 400, size: 'max' }),
        (pauses) => {
          let state: RateState = FULL
          let now = 1_000_000
          const passed: number[] = []
          const cost = { contentMinute: 1, contentHour: 1, points: 6, requests: 2 }
          for (const pause of pauses) {
            now += pause % 7 === 0 ? pause : pause % 300
            const taken = take(state, GITHUB_LIMITS, cost, now)
            if (!taken.ok) {
              expect(taken.waitMs).toBeGreaterThan(0)
              // Waiting exactly as long as it says is enough.
              expect(take(state, GITHUB_LIMITS, cost, now + taken.waitMs).ok).toBe(true)
              continue
            }
            state = taken.state
            passed.push(now)
          }
          for (const [name, ms, most] of WINDOWS)
            for (const start of passed) {
              const inside = passed.filter((at) => at >= start && at < start + ms).length
              expect(inside * cost[name]).toBeLessThanOrEqual(most)
            }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('say a wait that is enough, whatever fractions of a token are left', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.nat(5000), fc.nat(10_000_000), (minute, hour, at) => {
        // As they are left by what was refilled for so many milliseconds.
        const tokens = { contentMinute: (minute / 60_000) * 80, contentHour: (hour / 60_000) * (500 / 60) }
        const state: RateState = { tokens, at, blockedUntil: 0 }
        const cost = { contentMinute: 1, contentHour: 1 }
        const taken = take(state, GITHUB_LIMITS, cost, at)
        if (!taken.ok) expect(take(state, GITHUB_LIMITS, cost, at + taken.waitMs).ok).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })

  it('wait as long as the provider asked, and refill nothing when the clock goes back', () => {
    const blocked = block(FULL, 5000)
    expect(take(blocked, GITHUB_LIMITS, {}, 4000)).toEqual({ ok: false, waitMs: 1000 })
    expect(take(blocked, GITHUB_LIMITS, {}, 5000).ok).toBe(true)
    expect(block(blocked, 3000).blockedUntil).toBe(5000)
    let state = FULL
    for (let n = 0; n < 20; n++) {
      const taken = take(state, GITHUB_LIMITS, { contentMinute: 1 }, 100_000)
      if (taken.ok) state = taken.state
    }
    expect(take(state, GITHUB_LIMITS, { contentMinute: 1 }, 100_000).ok).toBe(false)
    expect(take(state, GITHUB_LIMITS, { contentMinute: 1 }, 1).ok).toBe(false)
  })
})

describe('the circuit breaker', () => {
  it('opens after 5 failures in 30 s, lets one try through after a while, and closes when that works', () => {
    let state: BreakerState = CLOSED
    for (let n = 0; n < 4; n++) state = failedAt(state, BREAKER, 1000 * n)
    expect(mayTry(state, BREAKER, 5000).ok).toBe(true)
    state = failedAt(state, BREAKER, 5000)
    expect(mayTry(state, BREAKER, 6000)).toEqual({ ok: false, waitMs: 29_000 })
    const probe = mayTry(state, BREAKER, 35_000)
    expect(probe.ok).toBe(true)
    if (!probe.ok) return
    expect(mayTry(probe.state, BREAKER, 36_000).ok).toBe(false)
    expect(mayTry(failedAt(probe.state, BREAKER, 37_000), BREAKER, 38_000).ok).toBe(false)
    expect(mayTry(succeeded(), BREAKER, 38_000).ok).toBe(true)
  })

  it('does not open for failures that are far apart', () => {
    let state: BreakerState = CLOSED
    for (let n = 0; n < 50; n++) state = failedAt(state, BREAKER, 10_000 * n)
    expect(mayTry(state, BREAKER, 500_000).ok).toBe(true)
  })
})

it('gives every account its share: whoever floods waits behind the others', () => {
  const shares = new FairShares()
  const flood = Array.from({ length: 1000 }, () => shares.rank('noisy', 0))
  expect(flood.at(-1)).toBe(1000)
  expect(shares.rank('quiet', 0)).toBe(1)
  expect(shares.rank('noisy', 61_000)).toBeLessThan(502)
})

it('a chain of events shows any change, gap or cut', () => {
  const link = fc.record({ type: fc.string(), data: fc.jsonValue(), actor: fc.string(), reason: fc.string() })
  fc.assert(
    fc.property(fc.array(link, { minLength: 2, maxLength: 12 }), fc.nat(), fc.nat(3), (parts, where, how) => {
      const links: Link[] = parts.map((part, index) => ({ ...part, taskId: 't', seq: index + 1, at: 1000 + index }))
      const { hashes, end } = extend(CHAIN_START, links)
      const rows = links.map((one, index) => ({ ...one, hash: hashes[index] ?? null }))
      expect(brokenLink(rows, end)).toBeUndefined()
      const index = where % rows.length
      const row = rows[index]
      if (!row) return
      const changed = [
        rows.with(index, { ...row, actor: `${row.actor}!` }),
        rows.with(index, { ...row, at: row.at + 1 }),
        rows.toSpliced(index, 1),
        rows.slice(0, -1),
      ][how]
      expect(brokenLink(changed ?? [], end)).toBeDefined()
    }),
  )
})

describe('what ends processes', () => {
  const died = (signal: string | null, more: Partial<End> = {}): End => ({
    over: false,
    progressed: false,
    code: null,
    signal,
    shortOfMemory: false,
    silent: false,
    ...more,
  })
  const none = { chances: 0, killed: 0 }

  it('is told from what was only killed, by the end of a process of its own', () => {
    expect(verdictOf(died('SIGKILL', { over: true }), { chances: 4, killed: 9 })).toEqual({ kind: 'over' })
    for (const own of ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', null])
      expect(verdictOf(died(own), none)).toEqual({ kind: 'poison' })
    // Whoever kills it says nothing of it, however often.
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'])
      expect(verdictOf(died(signal), { chances: 4, killed: 1000 })).toEqual({ kind: 'again', chances: 4, killed: 1001 })
  })

  it('is what runs out of memory or answers no more, five times in a row', () => {
    const ends = [
      died('SIGKILL', { shortOfMemory: true }),
      // Where the kernel does not tell, it may have been that.
      died('SIGKILL', { shortOfMemory: undefined }),
      died('SIGKILL', { silent: true }),
      died('SIGABRT', { silent: true }),
      died('SIGKILL', { shortOfMemory: true }),
    ]
    let tries = none
    for (const [at, end] of ends.entries()) {
      const verdict = verdictOf(end, tries)
      expect(verdict).toEqual(at < 4 ? { kind: 'again', chances: at + 1, killed: 0 } : { kind: 'poison' })
      if (verdict.kind === 'again') tries = verdict
    }
  })

  it('is not what got further meanwhile', () => {
    for (const signal of ['SIGABRT', 'SIGKILL', null])
      for (const shortOfMemory of [true, false, undefined])
        expect(verdictOf(died(signal, { progressed: true, shortOfMemory }), { chances: 4, killed: 7 })).toEqual({
          kind: 'again',
          ...none,
        })
  })

  it('waits the longer the more ended with it, and never long', () => {
    expect([0, 1, 5].map(pauseMs)).toEqual([0, 0, 0])
    fc.assert(
      fc.property(fc.nat(5000), (deaths) => {
        expect(pauseMs(deaths + 1)).toBeGreaterThanOrEqual(pauseMs(deaths))
        expect(pauseMs(deaths)).toBeLessThanOrEqual(15_000)
      }),
    )
  })
})
