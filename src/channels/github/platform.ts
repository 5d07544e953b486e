import { SETTINGS_PATH } from '../../core/survey.ts'
import type { Subject } from '../../core/heard.ts'
import { UserError } from '../../core/errors.ts'
import type { Repository } from '../../core/task/types.ts'
import { type Platform, type PullRemark, SendError } from '../types.ts'
import { anonymous, type GithubClient, idOf, statusOf } from './client.ts'
import { answerRun } from './waiting.ts'
import { moreOfCheck } from './failures.ts'
import { askedToWait } from './limits.ts'
import { pictures } from './pictures.ts'
import { pagesOf } from './pages.ts'
import { checksOf, standing } from './standing.ts'

/** Facts about GitHub, asked live. What GitHub refuses becomes a UserError; what it cannot answer now stays as it is. */
export function githubPlatform(client: GithubClient): Platform {
  const plain = unguarded(client)
  return {
    canWrite: (...args) => guarded(() => plain.canWrite(...args)),
    standing: (...args) => guarded(() => plain.standing(...args)),
    checks: (...args) => guarded(() => plain.checks(...args)),
    settingsFile: (...args) => guarded(() => plain.settingsFile(...args)),
    hasCommit: (...args) => guarded(() => plain.hasCommit(...args)),
    self: () => guarded(plain.self),
    findRepository: (...args) => guarded(() => plain.findRepository(...args)),
    repositories: (...args) => guarded(() => plain.repositories(...args)),
    findPull: (...args) => guarded(() => plain.findPull(...args)),
    pullOf: (...args) => guarded(() => plain.pullOf(...args)),
    tellWaiting: (...args) => guarded(() => plain.tellWaiting(...args)),
    pictures: (...args) => guarded(() => plain.pictures(...args)),
    remarks: (...args) => guarded(() => plain.remarks(...args)),
    moreOfCheck: (...args) => guarded(() => plain.moreOfCheck(...args)),
    findIssue: (...args) => guarded(() => plain.findIssue(...args)),
  }
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const retryAfterMs = askedToWait(error)
    if (retryAfterMs !== undefined) throw new SendError('retry', 'GitHub asks to wait', { cause: error, retryAfterMs })
    const status = statusOf(error)
    throw status === 401 || status === 403 || status === 404 || status === 422
      ? new UserError('no_access', 'GitHub does not let Muster do that there.', {
          hint: `${askedFor(error)} was answered with ${status}. Is the app installed on the repository, with all its permissions?`,
          cause: error,
        })
      : error
  }
}

/** The request that an error of Octokit's is about, without its host. */
function askedFor(error: unknown): string {
  const request: unknown = error instanceof Error && 'request' in error ? error.request : undefined
  if (typeof request !== 'object' || request === null || !('method' in request) || !('url' in request))
    return 'A request'
  const url = String(request.url)
  return `${String(request.method)} ${URL.canParse(url) ? new URL(url).pathname : url}`
}

function unguarded(client: GithubClient): Platform {
  let self: Promise<Awaited<ReturnType<Platform['self']>>> | undefined
  return {
    async canWrite(repository, person) {
      const octokit = await client.on(repository, { metadata: 'read' })
      try {
        const { data } = await octokit.request('GET /repos/{owner}/{repo}/collaborators/{username}/permission', {
          ...nameOf(repository),
          username: person.login,
        })
        // A login can be renamed and taken by somebody else; only the numeric id is the person.
        return data.user?.id === person.id && (data.permission === 'admin' || data.permission === 'write')
      } catch (error) {
        if (statusOf(error) === 404) return false
        throw error
      }
    },
    standing: (repository, person, teams) => standing(client, repository, person, teams),
    checks: (repository, sha) => checksOf(client, repository, sha),
    async settingsFile(repository) {
      const own = await readFile(await client.on(repository, { contents: 'read' }), repository.owner, repository.name)
      if (own !== undefined) return { text: own, where: SETTINGS_PATH }
      const shared = await sharedSettings(client, repository)
      return shared === undefined ? undefined : { text: shared, where: `${repository.owner}/.github: ${SETTINGS_PATH}` }
    },
    hasCommit: async (repository, ref) => hasCommit(await client.on(repository, { contents: 'read' }), repository, ref),
    self() {
      self ??= whoAmI(client).catch((error: unknown) => {
        self = undefined
        throw error
      })
      return self
    },
    findRepository: (owner, name) => orUndefined(() => findRepository(client, owner, name)),
    repositories: (limit) => repositories(client, limit),
    pictures: (repository, number, text) => pictures(client, repository, number, text),
    remarks: (repository, number) => remarks(client, repository, number),
    moreOfCheck: (repository, check, baseSha) => moreOfCheck(client, repository, check, baseSha),
    findPull: (repository, number) => orUndefined(() => findPull(client, repository, number)),
    tellWaiting: async (repository, run, environment, comment) => {
      const octokit = await client.on(repository, { deployments: 'write' })
      await answerRun({ names: nameOf(repository), octokit }, { run, environment }, { comment })
    },
    pullOf: (repository, sha) => orUndefined(() => pullOf(client, repository, sha)),
    findIssue: (owner, name, number) => orUndefined(() => findIssue(client, owner, name, number)),
  }
}

/** GitHub calls a ref that it does not know unprocessable (422), and in an empty repository a conflict (409). */
async function hasCommit(octokit: Octokit, repository: Repository, ref: string): Promise<boolean> {
  try {
    // Of what it changed, one file is more than is wanted.
    await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}', { ...nameOf(repository), ref, per_page: 1 })
    return true
  } catch (error) {
    const status = statusOf(error)
    if (status === 422 || status === 404 || status === 409) return false
    throw error
  }
}

function nameOf(repository: Repository): { owner: string; repo: string } {
  return { owner: repository.owner, repo: repository.name }
}

type Octokit = Awaited<ReturnType<GithubClient['on']>>

/** A file of the default branch. */
async function readFile(octokit: Octokit, owner: string, repo: string): Promise<string | undefined> {
  try {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/contents/{path}', {
      owner,
      repo,
      path: SETTINGS_PATH,
    })
    if (Array.isArray(data) || data.type !== 'file' || !('content' in data)) return undefined
    return Buffer.from(data.content, 'base64').toString('utf8')
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** The owner's `.github` repository, where the app may read it. */
async function sharedSettings(client: GithubClient, repository: Repository): Promise<string | undefined> {
  if (repository.name === '.github') return undefined
  try {
    return await readFile(
      await client.onNamed(repository.installationId, '.github', { contents: 'read' }),
      repository.owner,
      '.github',
    )
  } catch (error) {
    const status = statusOf(error)
    if (status === 422 || status === 404 || status === 403) return undefined
    throw error
  }
}

async function whoAmI(client: GithubClient): Promise<Awaited<ReturnType<Platform['self']>>> {
  const { data: app } = await client.app.request('GET /app')
  const slug = app?.slug
  if (!slug)
    throw new UserError('no_app', 'GitHub does not know this app.', { hint: 'Check APP_ID and the private key.' })
  const name = `${slug}[bot]`
  // Asked as an installation where there is one: anonymous requests are few, and some servers answer none.
  const { data: installations } = await client.app.request('GET /app/installations', { per_page: 1 })
  const octokit = installations[0] ? await client.onInstallation(installations[0].id) : anonymous(client)
  const id = await accountOf(octokit, name)
  const host = `users.noreply.${new URL(client.serverUrl).host}`
  return { id: id ?? UNKNOWN_ACCOUNT, slug, name, email: `${id === undefined ? '' : `${id}+`}${name}@${host}` }
}

/** Nobody's: what Muster itself writes is known as a bot's then. */
const UNKNOWN_ACCOUNT = -1

/** The account of the app's bot; undefined on a server that shows none: nothing but assigning it depends on that. */
async function accountOf(
  octokit: Awaited<ReturnType<GithubClient['onInstallation']>>,
  name: string,
): Promise<number | undefined> {
  try {
    const { data } = await octokit.request('GET /users/{username}', { username: name })
    return idOf(data.id)
  } catch (error) {
    const status = statusOf(error)
    const isRefused = status === 401 || status === 403 || status === 404
    if (isRefused && askedToWait(error) === undefined) return undefined
    throw error
  }
}

/** What GitHub does not know, or does not show, is not there. */
async function orUndefined<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find()
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function findRepository(client: GithubClient, owner: string, name: string): Promise<Repository> {
  const installation = await client.app.request('GET /repos/{owner}/{repo}/installation', { owner, repo: name })
  const octokit = await client.onNamed(installation.data.id, name, { metadata: 'read' })
  const { data: repo } = await octokit.request('GET /repos/{owner}/{repo}', { owner, repo: name })
  return repositoryOf(repo, installation.data.id)
}

interface RepositoryPart {
  readonly id: number | bigint
  readonly name: string
  readonly default_branch: string
  readonly owner: { readonly login: string }
}

function repositoryOf(repo: RepositoryPart, installationId: number): Repository {
  return {
    id: idOf(repo.id),
    owner: repo.owner.login,
    name: repo.name,
    defaultBranch: repo.default_branch,
    installationId,
  }
}

const ALL = { per_page: 100 } as const

/** As many as are wanted, in the order of the installations. */
async function repositories(client: GithubClient, limit: number): Promise<Repository[]> {
  const found: Repository[] = []
  for await (const installations of pagesOf(client.app.paginate.iterator('GET /app/installations', ALL)))
    for (const { id, suspended_at: suspended } of installations) {
      if (suspended) continue
      const octokit = await client.onInstallation(id)
      for await (const page of pagesOf(octokit.paginate.iterator('GET /installation/repositories', ALL))) {
        found.push(...page.map((repo) => repositoryOf(repo, id)))
        if (found.length >= limit) return found.slice(0, limit)
      }
    }
  return found
}

async function findPull(client: GithubClient, repository: Repository, number: number) {
  const octokit = await client.on(repository, { pull_requests: 'read' })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
    ...nameOf(repository),
    pull_number: number,
  })
  const isFork = data.head.repo === null || idOf(data.head.repo.id) !== repository.id
  return { base: data.base.ref, head: data.head.ref, isOpen: data.state === 'open', isFork }
}

async function pullOf(client: GithubClient, repository: Repository, sha: string): Promise<Subject | undefined> {
  const octokit = await client.on(repository, { pull_requests: 'read', contents: 'read' })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls', {
    ...nameOf(repository),
    commit_sha: sha,
  })
  const found = data.find(({ merged_at: at }) => at !== null) ?? data[0]
  if (!found) return undefined
  return {
    number: found.number,
    isPullRequest: true,
    title: found.title,
    body: found.body ?? '',
    author: { id: idOf(found.user?.id ?? 0), login: found.user?.login ?? 'ghost' },
    url: found.html_url,
  }
}

const MOST_REMARK_PAGES = 3

async function remarks(client: GithubClient, repository: Repository, number: number): Promise<PullRemark[]> {
  const octokit = await client.on(repository, { pull_requests: 'read' })
  const pages = octokit.paginate.iterator('GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', {
    ...nameOf(repository),
    pull_number: number,
    per_page: 100,
  })
  const found: PullRemark[] = []
  for await (const data of pagesOf(pages, 'remarks', [], MOST_REMARK_PAGES))
    for (const { user, created_at: at, body, path, line, original_line: before } of data)
      found.push({
        author: { id: idOf(user?.id ?? 0), login: user?.login ?? 'ghost' },
        at: Date.parse(at),
        text: `On ${path}, line ${line ?? before ?? '?'}:\n${body}`,
      })
  return found
}

async function findIssue(client: GithubClient, owner: string, name: string, number: number) {
  const repository = await findRepository(client, owner, name)
  const octokit = await client.onNamed(repository.installationId, name, { issues: 'read', metadata: 'read' })
  const { data: issue } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}', {
    owner,
    repo: name,
    issue_number: number,
  })
  const author = { id: idOf(issue.user?.id ?? 0), login: issue.user?.login ?? 'ghost' }
  const isPullRequest = issue.pull_request !== undefined
  const subject = { number, isPullRequest, title: issue.title, body: issue.body ?? '', author, url: issue.html_url }
  return { repository, subject, isOpen: issue.state === 'open' }
}
