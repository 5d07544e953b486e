import type { Decision, GithubCommand } from '../core/deciding/commands.ts'
import { LIMITED } from './aside.ts'
import { mayWrite } from './authority.ts'
import type { InboxDeps, Scene } from './scene.ts'

type Closed = Extract<GithubCommand, { type: 'issue.closed' }>

/**
 * An issue with work on it was closed: whether that ends the work. What is told late may be over by now, so GitHub is asked
 * whether the issue is still closed.
 */
export async function closing(deps: InboxDeps, { heard, task }: Scene, command: Closed): Promise<Closed | Decision> {
  if ((await deps.mayAsk(`github:${heard.sender.id}`)) !== 'yes') return LIMITED
  const { owner, name } = heard.repository
  const issue = await deps.platform.findIssue(owner, name, task?.origin.number ?? 0)
  if (issue?.isOpen) return { outcome: 'ignored', reason: 'open_again', detail: 'the issue is open again' }
  return { ...command, mayEnd: !heard.sender.isBot && (await mayWrite(deps, heard)) }
}
