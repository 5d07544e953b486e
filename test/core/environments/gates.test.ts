import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frozenAt, localTime, minuteOfWeek } from '../../../src/core/environments/freeze.ts'
import {
  type CheckFact,
  type GateFacts,
  gatesOf,
  mayBe,
  OPEN_POLICY,
  type Policy,
  verdictOf,
} from '../../../src/core/environments/gates.ts'
import { ROLE_NAMES, type Standing } from '../../../src/core/standing.ts'

const NOW = Date.parse('2026-11-27T16:30:00Z')
const standing = (more: Partial<Standing> = {}): Standing => ({
  id: 1,
  login: 'alice',
  role: 'write',
  teams: [],
  ...more,
})
const facts = (more: Partial<GateFacts> = {}): GateFacts => ({
  sha: 'abcdef0123',
  requester: standing(),
  checks: [],
  before: undefined,
  quarantined: undefined,
  goesBack: false,
  lock: undefined,
  now: NOW,
  ...more,
})
const gate = (policy: Partial<Policy>, more: Partial<GateFacts> = {}) => {
  const results = gatesOf({ ...OPEN_POLICY, ...policy }, facts(more))
  return [verdictOf(results), results.map(({ reason }) => reason).filter((reason) => reason !== 'may_deploy')]
}

describe('the gates of a deploy', () => {
  it('are all open where nothing is said', () => expect(gate({})).toEqual(['pass', []]))

  it.each<[readonly CheckFact[] | undefined, string, string]>([
    [[{ name: 'test', state: 'green' }], 'pass', 'checks_green'],
    [[{ name: 'test', state: 'red' }], 'block', 'checks_red'],
    [[{ name: 'test', state: 'pending' }], 'wait', 'checks_pending'],
    [[{ name: 'test', state: 'unknown' }], 'block', 'checks_unknown'],
    [[{ name: 'other', state: 'green' }], 'wait', 'checks_pending'],
    [undefined, 'wait', 'checks_unknown'],
  ])('of a check that is wanted, with %j: %s', (checks, verdict, reason) =>
    expect(gate({ checks: ['test'] }, { checks })).toEqual([verdict, [reason]]),
  )

  it('want all checks, and at least one', () => {
    expect(gate({ checks: 'all' })).toEqual(['wait', ['no_checks']])
    const checks = [
      { name: 'a', state: 'green' },
      { name: 'b', state: 'red' },
      { name: 'c', state: 'pending' },
    ] as const
    expect(gate({ checks: 'all' }, { checks })).toEqual(['block', ['checks_red']])
    expect(gate({ checks: 'all' }, { checks: checks.slice(0, 1) })).toEqual(['pass', ['checks_green']])
  })

  it('want exactly this commit in the environment before, judged and no worse', () => {
    const live = { sha: 'abcdef0123', task: 't', release: 1, since: 1, verdict: 'healthy' } as const
    const holder = {
      task: 't',
      release: 1,
      nth: 1,
      conversationId: 'c',
      sha: 'abcdef0123',
      by: { id: 1, login: 'a' },
      watchSeconds: 1,
      askedAt: 1,
      givenAt: 1,
      liveAt: 1,
    }
    expect(gate({ after: 'staging' })).toEqual(['block', ['not_there_first']])
    expect(
      gate({ after: 'staging' }, { before: { live: { ...live, verdict: undefined }, holder: undefined } }),
    ).toEqual(['block', ['not_judged_there']])
    expect(gate({ after: 'staging' }, { before: { live, holder: undefined } })).toEqual(['pass', ['there_first']])
    expect(gate({ after: 'staging' }, { before: { live: { ...live, sha: 'other' }, holder: undefined } })).toEqual([
      'block',
      ['not_there_first'],
    ])
    expect(gate({ after: 'staging' }, { before: { live: { ...live, verdict: undefined }, holder } })).toEqual([
      'wait',
      ['watched_there'],
    ])
    expect(
      gate({ after: 'staging' }, { before: { live: { ...live, verdict: 'regressed' }, holder: undefined } }),
    ).toEqual(['block', ['regressed_there']])
  })

  it('hold up whoever has the environment and has not begun, when it is locked', () => {
    const lock = { by: { id: 2, login: 'bob' }, reason: 'stocktaking', at: 1, from: undefined }
    expect(gate({}, { lock })).toEqual(['wait', ['locked']])
    expect(gate({}, { lock, goesBack: true })).toEqual(['wait', ['locked']])
  })

  it('wait where nobody can say what somebody may do', () => {
    expect(gate({ deployers: ['admin'] }, { requester: 'unknown' })).toEqual(['wait', ['requester_unknown']])
  })

  it('know people by what they are now', () => {
    expect(mayBe(['maintain'], standing())).toBe(false)
    expect(mayBe(['maintain'], standing({ role: 'admin' }))).toBe(true)
    expect(mayBe(['@Alice'], standing())).toBe(true)
    expect(mayBe(['@bob', '@acme/release'], standing({ teams: ['acme/release'] }))).toBe(true)
    // Whoever is named, and does not belong to the repository any more.
    expect(mayBe(['@alice', '@acme/release'], standing({ role: 'read', teams: ['acme/release'] }))).toBe(false)
  })

  it('open no further for a lesser role, whatever the policy', () => {
    const who = fc.array(fc.constantFrom('write' as const, 'maintain' as const, 'admin' as const, '@alice' as const), {
      minLength: 1,
    })
    fc.assert(
      fc.property(who, fc.nat(5), fc.nat(5), (policy, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((nth) =>
          standing({ role: ROLE_NAMES[nth] ?? 'none' }),
        )
        if (less && more && mayBe(policy, less)) expect(mayBe(policy, more)).toBe(true)
      }),
    )
  })
})

describe('a freeze', () => {
  const weekend = {
    kind: 'weekly',
    from: 4 * 1440 + 16 * 60,
    to: 7 * 60,
    zone: 'Europe/Berlin',
    reason: 'weekend',
  } as const

  it('goes by the clock of its place, over the end of the week', () => {
    // 16:30 UTC is 17:30 in Berlin; it lasts until Monday, 07:00 there.
    expect(frozenAt([weekend], NOW)).toEqual({ until: Date.parse('2026-11-30T06:00:00Z'), reason: 'weekend' })
    expect(frozenAt([weekend], Date.parse('2026-11-27T14:59:00Z'))).toBeUndefined()
    expect(frozenAt([weekend], Date.parse('2026-11-30T05:59:30Z'))?.until).toBe(Date.parse('2026-11-30T06:00:00Z'))
    expect(frozenAt([weekend], Date.parse('2026-11-30T06:00:00Z'))).toBeUndefined()
  })

  it('goes on where the clock is put back, as whoever waits sees when they look again', () => {
    // The last Sunday of October 2026: three o'clock comes twice.
    const friday = Date.parse('2026-10-23T16:00:00Z')
    const first = frozenAt([weekend], friday)
    expect(first?.until).toBe(Date.parse('2026-10-26T05:00:00Z'))
    expect(frozenAt([weekend], first?.until ?? 0)?.until).toBe(Date.parse('2026-10-26T06:00:00Z'))
  })

  it('may be once', () => {
    const holidays = {
      kind: 'once',
      from: '2026-12-20T00:00',
      to: '2027-01-03T00:00',
      zone: 'UTC',
      reason: '',
    } as const
    expect(frozenAt([holidays], Date.parse('2026-12-24T18:00:00Z'))?.until).toBe(Date.parse('2027-01-03T00:00:00Z'))
    expect(frozenAt([holidays], Date.parse('2027-01-03T00:00:00Z'))).toBeUndefined()
  })

  it('is written as people write it', () => {
    expect([minuteOfWeek('mon 0:00'), minuteOfWeek('Friday 16:00'), minuteOfWeek('sun 24:00')]).toEqual([
      0,
      4 * 1440 + 960,
      7 * 1440,
    ])
    expect([minuteOfWeek('someday 1:00'), minuteOfWeek('fri'), minuteOfWeek('fri 25:00')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([localTime('2026-12-20'), localTime('2026-12-20 18:30'), localTime('2026-13-40')]).toEqual([
      '2026-12-20T00:00',
      '2026-12-20T18:30',
      undefined,
    ])
  })

  it('ends after it began, and is over then but for the hour of a clock', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland')
    const minute = fc.integer({ min: 0, max: 7 * 1440 - 1 })
    fc.assert(
      fc.property(minute, minute, zones, fc.integer({ min: 0, max: 366 * 1440 }), (from, to, zone, offset) => {
        const now = Date.parse('2026-01-01T00:00:00Z') + offset * 60_000
        const frozen = frozenAt([{ kind: 'weekly', from, to, zone, reason: '' }], now)
        if (!frozen || from === to) return
        expect(frozen.until).toBeGreaterThan(now)
        expect(frozen.until - now).toBeLessThanOrEqual(7 * 86_400_000)
        const again = frozenAt([{ kind: 'weekly', from, to, zone, reason: '' }], frozen.until)
        if (again && (to - from + 10_080) % 10_080 < 10_000)
          expect(again.until - frozen.until).toBeLessThanOrEqual(3_600_000)
      }),
    )
  })
})
