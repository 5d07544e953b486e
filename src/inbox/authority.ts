import type { Heard } from '../core/heard.ts'
import type { InboxDeps } from './scene.ts'

/** Authority is the GitHub account's, asked live; whoever has none linked has none. */
export function mayWrite(deps: InboxDeps, heard: Heard): Promise<boolean> {
  if (heard.elsewhere && !heard.elsewhere.isLinked) return Promise.resolve(false)
  return deps.platform.canWrite(heard.repository, heard.sender)
}

/** Whoever belongs to the team's own workspace may ask a question; guests and people from elsewhere may not: the code may be private. */
export async function mayAskOnly(deps: InboxDeps, { elsewhere }: Heard, verb: string): Promise<boolean> {
  if (!elsewhere || verb !== 'ask' || elsewhere.member.isStranger) return false
  return (await deps.facts[elsewhere.surface.channel]?.isFullMember(elsewhere.member)) ?? false
}
