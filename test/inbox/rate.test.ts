import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PERSON, personLimiter } from '../../src/inbox/rate.ts'

it('takes so many commands of one person, and tells them once that it was too many', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 40, maxLength: 300, size: 'max' }),
      (pauses) => {
        let now = 1_000_000
        const limiter = personLimiter(PERSON.burst, PERSON.perMinute, () => now)
        const at: { readonly now: number; readonly answer: string }[] = []
        for (const pause of pauses) {
          now += pause % 5 === 0 ? pause * 10 : pause % 200
          at.push({ now, answer: limiter('one') })
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

it('counts everybody by themselves', () => {
  const limiter = personLimiter(2, 1, () => 1000)
  expect(['one', 'one', 'one', 'one', 'two'].map(limiter)).toEqual(['yes', 'yes', 'told', 'no', 'yes'])
})
