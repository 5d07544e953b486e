import { hashOf } from '../../core/hash.ts'
import type { Repository } from '../../core/task/types.ts'
import type { Remotes } from '../../workspace/types.ts'
import type { Platform } from '../types.ts'
import { type GithubClient, statusOf } from './client.ts'
import { askedToWait } from './limits.ts'

/** Where nobody says for how long (limits.md). */
const WAIT_MS = 60_000
/** The installation of what is read without a token. */
const NOWHERE = 0

/**
 * Git's way to GitHub: a token for one repository, for reading or for writing.
 * @param submodules which other repositories are read with a token of their own, as `owner/name` or `owner/*`: what is private to some
 * people of an installation is not shown to others because a repository of theirs names it
 */
export function remotesOf(
  client: GithubClient,
  platform: Pick<Platform, 'findRepository'>,
  submodules: readonly string[],
): Remotes {
  const isListed = (owner: string, name: string) =>
    [`${owner}/${name}`, `${owner}/*`].some((one) => submodules.includes(one.toLowerCase()))
  return {
    named: async (owner, name) => {
      const isOurs = isListed(owner.toLowerCase(), name.toLowerCase())
      return (isOurs ? await platform.findRepository(owner, name) : undefined) ?? publicRepository(owner, name)
    },
    remote: async (repository, access) => {
      const url = `${client.serverUrl}/${repository.owner}/${repository.name}.git`
      if (repository.installationId === NOWHERE) return { url, authorization: undefined }
      const token = await client.token(repository, { contents: access })
      return { url, authorization: `basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}` }
    },
    sizeKib: async (repository) => {
      if (repository.installationId === NOWHERE) return undefined
      const octokit = await client.on(repository, { metadata: 'read' })
      const { owner, name: repo } = repository
      // Where it cannot be told now, the copy is whole: it is larger, and does the same.
      const found = await octokit.request('GET /repos/{owner}/{repo}', { owner, repo }).catch(() => undefined)
      return found?.data.size
    },
    // Answered as it should be, the refusal was no lasting one either.
    askedToWait: async (repository) => {
      if (repository.installationId === NOWHERE) return undefined
      try {
        const octokit = await client.on(repository, { contents: 'read' })
        const { owner, name: repo } = repository
        await octokit.request('GET /repos/{owner}/{repo}/commits', { owner, repo, per_page: 1 })
        return WAIT_MS
      } catch (error) {
        const status = statusOf(error)
        return askedToWait(error) ?? (status === undefined || status >= 500 ? WAIT_MS : undefined)
      }
    },
  }
}

/** A repository that is read as anybody may: its copy has a number that is none of GitHub's. */
function publicRepository(owner: string, name: string): Repository {
  const id = -Number.parseInt(hashOf([owner.toLowerCase(), name.toLowerCase()]).slice(0, 12), 16)
  return { id, owner, name, defaultBranch: 'main', installationId: NOWHERE }
}
