import { z } from 'zod'
import type { HeardBefore } from './task/origin.ts'

/** How long conversations are told to models. Pure. */

/** So much of a conversation is shown, and at least so much of each message (characters). */
const MAX_CONVERSATION = 24_000
const LEAST = 500
/** A cut below this share of a message loses what it says. */
const ENOUGH = 0.7

/** With more than so many each is only cut. */
const MOST_GISTS = 12

/** What a model makes of one message that is too long to be shown. */
export const Gist = z.object({
  gist: z.string().trim().min(1).max(3000).describe('What it says, in its own words as far as they fit.'),
})
export type Gist = z.infer<typeof Gist>

/** How many characters of each message there is room for. */
export function roomForEach(thread: readonly HeardBefore[]): number {
  return Math.max(LEAST, Math.floor(MAX_CONVERSATION / Math.max(1, thread.length)))
}

/** Which messages (counted from 0) would lose too much, were they only cut; the longest, where there are many. */
export function tooLong(thread: readonly HeardBefore[]): readonly number[] {
  const room = roomForEach(thread)
  const long = thread.flatMap(({ text }, nth) => (text.length * ENOUGH > room ? [{ nth, size: text.length }] : []))
  return long
    .toSorted((one, other) => other.size - one.size || one.nth - other.nth)
    .slice(0, MOST_GISTS)
    .map(({ nth }) => nth)
    .toSorted((one, other) => one - other)
}

/** The same conversation with gists in place of some messages, by their place; whose each is, and what they may do, stays. */
export function inShort(thread: readonly HeardBefore[], gists: ReadonlyMap<number, Gist>): readonly HeardBefore[] {
  return thread.map((message, nth) => {
    const gist = gists.get(nth)
    return gist === undefined ? message : { ...message, text: gist.gist, isShortened: true }
  })
}
