import type { Reading } from '../../../core/reply/foreign.ts'
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
  readonly reading: Reading
}

/** How GitHub's routes name a repository. */
export function names(repository: Repository): { owner: string; repo: string } {
  return { owner: repository.owner, repo: repository.name }
}
