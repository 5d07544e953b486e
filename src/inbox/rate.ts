import type { Cost, Limits } from '../core/rate.ts'

/** Whether somebody may give a command now: `told` is the first one too many, which they are told of; `no` any further. */
export type Allowance = 'yes' | 'told' | 'no'

/** What is taken of one person (security.md 61): no way to spend a team's budget by hand. */
export const PERSON = { burst: 30, perMinute: 10 } as const

/** At most `burst` commands at once, and `perMinute` in the long run; told again only after half of that was there again. */
export const PERSON_LIMITS: Limits = {
  ask: { capacity: PERSON.burst, perMinute: PERSON.perMinute },
  told: { capacity: 1, perMinute: PERSON.perMinute / (PERSON.burst / 2) },
}

/** The account of a person in the token buckets that all processes share. */
const accountOf = (who: string) => `person:${who}`

/**
 * One person's allowance, counted over all processes.
 * @param take takes of the buckets of an account (`PERSON_LIMITS`), or answers how long to wait
 */
export function personLimiter(
  take: (account: string, cost: Cost) => Promise<number>,
): (who: string) => Promise<Allowance> {
  return async (who) => {
    if ((await take(accountOf(who), { ask: 1 })) === 0) return 'yes'
    return (await take(accountOf(who), { told: 1 })) === 0 ? 'told' : 'no'
  }
}
