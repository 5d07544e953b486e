import type { Heard } from '../core/heard.ts'
import type { Member } from '../core/said.ts'
import type { InboxDeps } from './scene.ts'

/** Authority is the GitHub account's, asked live; whoever has none linked has none. */
export function mayWrite(deps: InboxDeps, heard: Heard): Promise<boolean> {
  if (heard.elsewhere && !heard.elsewhere.isLinked) return Promise.resolve(false)
  return deps.platform.canWrite(heard.repository, heard.sender)
}

/** Whoever belongs to the team's own workspace may read; guests and people from elsewhere may not: the code may be private. */
export async function mayRead(deps: InboxDeps, member: Member): Promise<boolean> {
  if (member.isStranger || member.id === '') return false
  return (await deps.facts[member.channel]?.isFullMember(member)) ?? false
}

/** Whoever may read may ask a question, whatever GitHub knows of them. */
export function mayAskOnly(deps: InboxDeps, { elsewhere }: Heard, verb: string): Promise<boolean> {
  return elsewhere && verb === 'ask' ? mayRead(deps, elsewhere.member) : Promise.resolve(false)
}
