import { SendError } from '../channels/types.ts'
import type { Member, Surface, Ticket } from '../core/said.ts'
import type { Person, Repository } from '../core/task/types.ts'
import type { InboxDeps } from './scene.ts'

/** Somebody whose GitHub account is not known: may ask and read, and is nobody to GitHub. */
export const NOBODY: Person = { id: 0, login: '' }

/**
 * The GitHub account of somebody elsewhere: linked by their own sign-in, or by an address that both sides have verified, where
 * the settings trust the workspace in that. Nobody from elsewhere is anybody.
 */
export async function personOf(deps: InboxDeps, member: Member): Promise<Person | undefined> {
  if (member.isStranger || member.id === '') return undefined
  const known = await deps.store.people.personOf(member)
  if (known) return known
  const email = await deps.facts[member.channel]?.emailOf(member)
  const person = email === undefined ? undefined : await deps.store.people.byEmail(email)
  if (person) await deps.store.people.link(member, person, 'verified e-mail', `muster:${member.channel}`)
  return person
}

/** Everybody whose words a ticket holds: who made it, and who changed it since. Who cannot be found out is somebody unknown. */
export async function writersOf(deps: InboxDeps, surface: Surface, { author }: Ticket): Promise<Member[]> {
  const { channel } = surface
  const unknown: Member = { channel, account: '', id: '', name: '', isBot: false, isStranger: true }
  try {
    const editors = (await deps.facts[channel]?.editors?.(surface)) ?? []
    return [author ?? unknown, ...editors]
  } catch (error) {
    if (error instanceof SendError && error.kind === 'fatal') return [author ?? unknown, unknown]
    throw error
  }
}

/** Of all whose words these are, the one who is trusted least: the first who may not write, or else the last. */
export async function leastOf(deps: InboxDeps, repository: Repository, members: readonly Member[]): Promise<Person> {
  let least = NOBODY
  for (const member of members) {
    const person = await personOf(deps, member)
    if (!person || !(await deps.platform.canWrite(repository, person))) return person ?? NOBODY
    least = person
  }
  return least
}
