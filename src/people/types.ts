import type { ChannelName, Member } from '../core/said.ts'
import type { Person } from '../core/task/types.ts'

/** Somebody's account in another channel. */
export type Who = Pick<Member, 'channel' | 'account' | 'id' | 'name'>

/** How long a link is good that others may see too, and one that only its reader sees. */
export const OFFER_MS = { seen: 15 * 60_000, private: 24 * 3_600_000 } as const

/** A request that arrived again. */
export interface Resumed {
  readonly id: string
  readonly account: string | undefined
  readonly lane: string | undefined
}

/** Which command of an event goes on after its author signed in; undefined where the event is a first one. */
export function resumedCommand(deliveryId: string): number | undefined {
  const nth = /:signed-in:(\d{1,4})$/.exec(deliveryId)?.[1]
  return nth === undefined ? undefined : Number(nth)
}

export interface PersonLink extends Who {
  readonly person: Person
  /** How it was proved. */
  readonly how: string
  readonly linkedAt: Date
}

export interface PeopleStore {
  /** The GitHub account that somebody's account elsewhere is linked to. */
  personOf(member: Pick<Member, 'channel' | 'account' | 'id'>): Promise<Person | undefined>
  /** Accounts of somebody's in one workspace or site of a channel, by their GitHub accounts. */
  membersOf(people: readonly number[], channel: ChannelName, account: string): Promise<Who[]>
  link(member: Who, person: Person, how: string, actor: string): Promise<void>
  /** The addresses that GitHub has verified for somebody; those known before are forgotten. */
  setEmails(person: Person, emails: readonly string[]): Promise<void>
  /** The GitHub account with this verified address. */
  byEmail(email: string): Promise<Person | undefined>
  /** @returns false when there was no link */
  unlink(member: Pick<Member, 'channel' | 'account' | 'id'>, actor: string): Promise<boolean>
  list(): Promise<PersonLink[]>
  /** @returns a code, good once and for so many ms, by which this member can sign in */
  offer(member: Who, ms: number): Promise<string>
  /** Keeps a request until its author has signed in, for 24 hours. @param nth which command of the event it is */
  keep(member: Who, eventId: string, nth: number): Promise<void>
  /** What was kept of somebody's requests arrives once more, under deliveries of their own. @returns the new events */
  resume(member: Pick<Member, 'channel' | 'account' | 'id'>): Promise<Resumed[]>
  /** Whose a code is, without using it up. */
  peek(code: string): Promise<Who | undefined>
  /** Uses up a code. @returns whose it was; undefined when it is unknown, used or too old */
  take(code: string): Promise<Who | undefined>
}
