import type { Member } from '../core/said.ts'
import type { Person } from '../core/task/types.ts'

/** Somebody's account in another channel. */
export type Who = Pick<Member, 'channel' | 'account' | 'id' | 'name'>

export interface PersonLink extends Who {
  readonly person: Person
  /** How it was proved. */
  readonly how: string
  readonly linkedAt: Date
}

export interface PeopleStore {
  /** The GitHub account that somebody's account elsewhere is linked to. */
  personOf(member: Pick<Member, 'channel' | 'account' | 'id'>): Promise<Person | undefined>
  link(member: Who, person: Person, how: string, actor: string): Promise<void>
  /** The addresses that GitHub has verified for somebody; those known before are forgotten. */
  setEmails(person: Person, emails: readonly string[]): Promise<void>
  /** The GitHub account with this verified address. */
  byEmail(email: string): Promise<Person | undefined>
  /** @returns false when there was no link */
  unlink(member: Pick<Member, 'channel' | 'account' | 'id'>, actor: string): Promise<boolean>
  list(): Promise<PersonLink[]>
  /** @returns a code, good once and for a quarter of an hour, by which this member can sign in */
  offer(member: Who): Promise<string>
  /** Whose a code is, without using it up. */
  peek(code: string): Promise<Who | undefined>
  /** Uses up a code. @returns whose it was; undefined when it is unknown, used or too old */
  take(code: string): Promise<Who | undefined>
}
