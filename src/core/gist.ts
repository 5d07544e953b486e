import { z } from 'zod'
import type { HeardBefore } from './task/origin.ts'

/** How long conversations are told to models. Pure. */

/** So much of a conversation is shown, and at least so much of each message (characters). */
const MAX_CONVERSATION = 24_000
const LEAST = 500
/** A cut below this share of a message loses what it says. */
const ENOUGH = 0.7

/** What a model makes of messages that are too long to be shown. */
export const Gists = z.object({
  messages: z
    .array(
      z.object({
        number: z.int().describe('The number that the message was given to you under.'),
        gist: z.string().trim().min(1).max(3000).describe('What it says, in its own words as far as they fit.'),
      }),
    )
    .max(60),
})
export type Gists = z.infer<typeof Gists>

/** How many characters of each message there is room for. */
export function roomForEach(thread: readonly HeardBefore[]): number {
  return Math.max(LEAST, Math.floor(MAX_CONVERSATION / Math.max(1, thread.length)))
}

/** Which messages (counted from 0) would lose too much, were they only cut. */
export function tooLong(thread: readonly HeardBefore[]): readonly number[] {
  const room = roomForEach(thread)
  return thread.flatMap(({ text }, nth) => (text.length * ENOUGH > room ? [nth] : []))
}

/** The same conversation with gists in place of messages that are too long; whose each is, and what they may do, stays. */
export function inShort(thread: readonly HeardBefore[], { messages }: Gists): readonly HeardBefore[] {
  const gists = new Map(messages.map(({ number, gist }) => [number - 1, gist]))
  const isLong = new Set(tooLong(thread))
  return thread.map((message, nth) => {
    const gist = isLong.has(nth) ? gists.get(nth) : undefined
    return gist === undefined ? message : { ...message, text: `(shortened) ${gist}` }
  })
}
