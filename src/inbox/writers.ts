import { SendError } from '../channels/types.ts'
import type { Member, Surface } from '../core/said.ts'
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

/** Whether everybody who changed a ticket's words since it was made may write to the repository. @param but not asked about */
export async function changedByTeam(
  deps: InboxDeps,
  repository: Repository,
  surface: Surface,
  but: readonly Member[],
): Promise<boolean> {
  return unlessRefused(async () => {
    const editors = (await deps.facts[surface.channel]?.editors?.(surface)) ?? []
    for (const editor of editors)
      if (!but.some(({ id }) => id === editor.id) && !(await mayWriteAs(deps, repository, editor))) return false
    return true
  })
}

/** Whether somebody in a channel may write to the repository, by the account that is linked to them. */
export async function mayWriteAs(
  deps: InboxDeps,
  repository: Repository,
  member: Member | undefined,
): Promise<boolean> {
  return unlessRefused(async () => {
    const person = member && (await personOf(deps, member))
    return person !== undefined && deps.platform.canWrite(repository, person)
  })
}

/** What the channel refuses to tell for good is nobody's permission. */
async function unlessRefused(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look()
  } catch (error) {
    if (error instanceof SendError && error.kind === 'fatal') return false
    throw error
  }
}
