import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FULL, type RateState, take } from '../../src/core/rate.ts'
import { PERSON, PERSON_LIMITS, personLimiter } from '../../src/inbox/rate.ts'
import { sharedLimiter } from '../../src/outbox/limiter.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'

/** The buckets without a database. */
function buckets(now: () => number) {
  const states = new Map<string, RateState>()
  return async (account: string, cost: Readonly<Record<string, number>>) => {
    const taken = take(states.get(account) ?? FULL, PERSON_LIMITS, cost, now())
    if (taken.ok) states.set(account, taken.state)
    return taken.ok ? 0 : taken.waitMs
  }
}

it('takes so many commands of one person, and tells them once that it was too many', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 40, maxLength: 300, size: 'max' }),
      async (pauses) => {
        let now = 1_000_000
        const limiter = personLimiter(buckets(() => now))
        const at: { readonly now: number; readonly answer: string }[] = []
        for (const pause of pauses) {
          now += pause % 5 === 0 ? pause * 10 : pause % 200
          at.push({ now, answer: await limiter('one') })
        }
        const passed = at.filter(({ answer }) => answer === 'yes')
        for (const first of passed) {
          const inMinute = passed.filter((one) => one.now >= first.now && one.now < first.now + 60_000)
          expect(inMinute.length).toBeLessThanOrEqual(PERSON.burst + PERSON.perMinute)
        }
        // Between two such words there is room for many commands: nobody is told at each.
        const told = at.filter(({ answer }) => answer === 'told')
        for (const [nth, one] of told.entries())
          if (nth > 0) expect(one.now - (told[nth - 1]?.now ?? 0)).toBeGreaterThan(60_000)
        expect(at[0]?.answer).toBe('yes')
        expect(at.findIndex(({ answer }) => answer === 'no')).not.toBe(0)
      },
    ),
  )
})

describe('over all processes', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await embedded()
  })
  afterAll(() => db.drop())

  it('counts everybody by themselves, and once: two workers allow no more than one', async () => {
    const worker = () =>
      personLimiter(
        sharedLimiter(
          db.storage.store.rates,
          () => PERSON_LIMITS,
          () => 1000,
        ).take,
      )
    const [one, other] = [worker(), worker()]
    const answers: string[] = []
    for (let n = 0; n < PERSON.burst + 4; n++) answers.push(await (n % 2 ? one : other)('alice'))
    expect(answers.filter((answer) => answer === 'yes')).toHaveLength(PERSON.burst)
    expect(answers.slice(PERSON.burst)).toEqual(['told', 'no', 'no', 'no'])
    expect(await one('bob')).toBe('yes')
  })
})
