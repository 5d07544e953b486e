import type { Repository } from '../../../core/task/types.ts'
import type { Git } from '../../../workspace/types.ts'
import type { Platform } from '../../types.ts'
import type { GithubClient } from '../client.ts'

export interface SendDeps {
  readonly client: GithubClient
  readonly git: Pick<Git, 'commitAndPush'>
  readonly self: Platform['self']
  readonly appId: string
  readonly publicUrl: string
  /** Removes whatever is known to be secret from a text before it leaves. */
  readonly redact: (text: string) => string
}

/** How GitHub's routes name a repository. */
export function names(repository: Repository): { owner: string; repo: string } {
  return { owner: repository.owner, repo: repository.name }
}
