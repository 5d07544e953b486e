import type { CheckFact } from '../../core/environments/gates.ts'
import { isAtLeast, ROLE_NAMES, type RoleName, type Standing } from '../../core/standing.ts'
import type { Person, Repository } from '../../core/task/types.ts'
import { type GithubClient, statusOf } from './client.ts'
import { pagesOf } from './pages.ts'

/** What the gates of a deploy ask GitHub, live. */

const NOBODY = 'none'
/** Pages of a list that are read; a commit has no more checks than that. */
const MOST = 10

/** What an account is in a repository, by its numeric id: a login can be renamed, and taken by somebody else. */
export async function standing(
  client: GithubClient,
  repository: Repository,
  person: Person,
  teams: readonly string[],
): Promise<Standing> {
  const role = await roleOf(client, repository, person)
  const of: string[] = []
  // Whoever may not write is not asked about: a team counts for those of the repository alone.
  for (const team of isAtLeast(role, 'write') ? teams : [])
    if (await isMember(client, repository, person, team)) of.push(team)
  return { ...person, role, teams: of }
}

async function roleOf(client: GithubClient, { owner, name: repo, ...where }: Repository, person: Person) {
  const octokit = await client.on(where, { metadata: 'read' })
  try {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/collaborators/{username}/permission', {
      owner,
      repo,
      username: person.login,
    })
    if (data.user?.id !== person.id) return NOBODY
    // A role of an organisation's own has a name that nobody else knows: then the permission that it rests on counts.
    return roleNamed(data.role_name) ?? roleNamed(data.permission) ?? NOBODY
  } catch (error) {
    if (statusOf(error) === 404) return NOBODY
    throw error
  }
}

function roleNamed(text: string): RoleName | undefined {
  return ROLE_NAMES.find((role) => role === text)
}

/** Whether somebody belongs to a team of the organisation that the repository belongs to; of others nothing can be read. */
async function isMember(
  client: GithubClient,
  { owner, installationId }: Repository,
  { login }: Person,
  team: string,
): Promise<boolean> {
  const [org = '', slug = ''] = team.split('/')
  if (org !== owner.toLowerCase()) return false
  const octokit = await client.onInstallation(installationId, { members: 'read' })
  try {
    const { data } = await octokit.request('GET /orgs/{org}/teams/{team_slug}/memberships/{username}', {
      org,
      team_slug: slug,
      username: login,
    })
    return data.state === 'active'
  } catch (error) {
    if (statusOf(error) === 404) return false
    throw error
  }
}

/** The newest run of every check on a commit, and the newest status of every other system. */
export async function checksOf(client: GithubClient, repository: Repository, sha: string): Promise<CheckFact[]> {
  const names = { owner: repository.owner, repo: repository.name, ref: sha, per_page: 100 }
  const found: CheckFact[] = []
  const onChecks = await client.on(repository, { checks: 'read' })
  // The newest of each name in each suite: two workflows may have a job of the same name.
  const runs = onChecks.paginate.iterator('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...names,
    filter: 'latest',
  })
  const newest = new Map<string, CheckFact & { readonly at: string }>()
  for await (const data of pagesOf(runs, 'check runs', [], MOST))
    for (const { name, status, conclusion, started_at: at, check_suite: suite } of data) {
      const key = `${suite?.id ?? ''} ${name}`
      const run = { name, at: at ?? '', state: stateOf(status, conclusion) }
      if ((newest.get(key)?.at ?? '') <= run.at) newest.set(key, run)
    }
  found.push(...newest.values())
  const onStatuses = await client.on(repository, { statuses: 'read' })
  const statuses = onStatuses.paginate.iterator('GET /repos/{owner}/{repo}/commits/{ref}/statuses', names)
  const seen = new Set<string>()
  // The newest first.
  for await (const data of pagesOf(statuses, 'statuses', [], MOST))
    for (const { context, state } of data) {
      if (seen.has(context)) continue
      seen.add(context)
      found.push({ name: context, state: STATUS[state] ?? 'unknown' })
    }
  return worstOf(found)
}

/** Of several with one name the worst counts. */
function worstOf(all: readonly CheckFact[]): CheckFact[] {
  const order: readonly CheckFact['state'][] = ['red', 'unknown', 'pending', 'green']
  const names = [...new Set(all.map(({ name }) => name))]
  return names.map((name) => {
    const states = all.filter((one) => one.name === name).map(({ state }) => state)
    return { name, state: order.find((state) => states.includes(state)) ?? 'unknown' }
  })
}

const STATUS: Readonly<Record<string, CheckFact['state']>> = {
  success: 'green',
  pending: 'pending',
  failure: 'red',
  error: 'red',
}
const CONCLUSION: Readonly<Record<string, CheckFact['state']>> = {
  success: 'green',
  neutral: 'green',
  skipped: 'green',
  failure: 'red',
  timed_out: 'red',
  cancelled: 'red',
  action_required: 'red',
  startup_failure: 'red',
}

/** What GitHub does not call by a name that is known here lets nothing through. */
function stateOf(status: string, conclusion: string | null): CheckFact['state'] {
  if (status !== 'completed') return 'pending'
  return CONCLUSION[conclusion ?? ''] ?? 'unknown'
}
