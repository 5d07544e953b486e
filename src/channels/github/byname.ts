import { UserError } from '../../core/errors.ts'
import type { Repository } from '../../core/task/types.ts'
import type { Platform } from '../types.ts'
import type { GithubClient, Permissions } from './client.ts'

const KNOWN_MS = 10 * 60_000

/** Repositories by their names, for those who know no more of them: what is looked at often is not looked up each time. @throws UserError where the app is not installed there */
export function byName(client: GithubClient, findRepository: Platform['findRepository']) {
  const known = new Map<string, { readonly repository: Repository; readonly until: number }>()
  return async (name: string, permissions: Permissions) => {
    const [owner = '', repo = ''] = name.split('/')
    // It hardly ever changes, as where the app is installed anew.
    const kept = known.get(name)
    const repository = kept && kept.until > Date.now() ? kept.repository : await findRepository(owner, repo)
    if (repository && repository !== kept?.repository) known.set(name, { repository, until: Date.now() + KNOWN_MS })
    if (!repository) throw new UserError('no_repository', `The app is not installed on ${name}.`)
    return { repository, names: { owner, repo }, octokit: await client.on(repository, permissions) }
  }
}
