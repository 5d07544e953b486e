import { githubKey } from '../../core/heard.ts'
import type { Arrival } from '../../core/inbound.ts'
import type { CatchUp, CatchUpStore } from '../types.ts'
import { type GithubClient, idOf, statusOf } from './client.ts'
import { redeliverMissed } from './deliveries.ts'
import { type Cut, type Octokit, pagesOf } from './pages.ts'
import { peek } from './receive.ts'

/** GitHub redelivers for 3 days (limits.md); an hour of margin is kept. */
const REDELIVERY_MS = 3 * 86_400_000 - 3_600_000

/**
 * Fetches what was missed while nobody listened: deliveries that failed are asked for again; where that reaches back too
 * little, what happened since is read from the repositories and stored as if it had been delivered.
 */
export function githubCatchUp(client: GithubClient, store: CatchUpStore): CatchUp {
  return {
    source: 'github',
    async run(since, now) {
      const asked = await redeliverMissed(client, store.isKnown, now)
      // What is younger is redelivered under its own id; read here as well, it would be done twice.
      const until = now - REDELIVERY_MS
      const cut: Cut = []
      return { asked, found: since < until ? await readChanges(client, store, { since, until, cut }) : [], cut }
    },
  }
}

async function readChanges(
  client: GithubClient,
  store: CatchUpStore,
  span: Pick<Gap, 'since' | 'until' | 'cut'>,
): Promise<string[]> {
  const ids: string[] = []
  for (const installationId of await installationsOf(client, span.cut)) {
    const repositories = await orNone(async () => repositoriesOf(await client.onInstallation(installationId), span.cut))
    for (const repository of repositories)
      for (const arrival of await orNone(() => changesOf(client, store, { repository, installationId, ...span }))) {
        const { id, duplicate } = await store.insert(arrival)
        if (!duplicate) ids.push(id)
      }
  }
  return ids
}

/** Installations and repositories that GitHub refuses to show (suspended, gone, issues switched off) have nothing for us; anything else is tried again later. */
async function orNone<T>(read: () => Promise<T[]>): Promise<T[]> {
  try {
    return await read()
  } catch (error) {
    const status = statusOf(error)
    if (status === 403 || status === 404 || status === 410 || status === 451) return []
    throw error
  }
}

async function installationsOf({ app }: GithubClient, cut: Cut): Promise<number[]> {
  const ids: number[] = []
  const pages = app.paginate.iterator('GET /app/installations', { per_page: 100 })
  for await (const data of pagesOf(pages, 'installations', cut))
    ids.push(...data.filter((one) => !one.suspended_at).map((one) => idOf(one.id)))
  return ids
}

async function changesOf(client: GithubClient, store: CatchUpStore, where: Omit<Gap, 'octokit'>): Promise<Arrival[]> {
  const { installationId, repository } = where
  const octokit = await client.on({ installationId, id: repository.id }, { issues: 'read', pull_requests: 'read' })
  const place: Gap = { ...where, octokit }
  return [...(await issueEvents(place)), ...(await comments(place, store)), ...(await reviewComments(place, store))]
}

interface RepositoryPart {
  readonly id: number
  readonly name: string
  readonly default_branch: string
  readonly owner: { readonly login: string }
}

interface Gap {
  readonly octokit: Octokit
  readonly repository: RepositoryPart
  readonly installationId: number
  /** Between these times; ms since the epoch. */
  readonly since: number
  readonly until: number
  readonly cut: Cut
}

function isWithin({ since, until }: Gap, at: string): boolean {
  const time = Date.parse(at)
  return time >= since && time < until
}

async function repositoriesOf(octokit: Octokit, cut: Cut): Promise<RepositoryPart[]> {
  const all: RepositoryPart[] = []
  const pages = octokit.paginate.iterator('GET /installation/repositories', { per_page: 100 })
  for await (const data of pagesOf(pages, 'repositories of an installation', cut))
    for (const { id, name, default_branch, owner } of data)
      all.push({ id: idOf(id), name, default_branch, owner: { login: owner.login } })
  return all
}

function nameOf({ repository }: Gap): { owner: string; repo: string } {
  return { owner: repository.owner.login, repo: repository.name }
}

function fullNameOf({ repository }: Gap): string {
  return `${repository.owner.login}/${repository.name}`
}

/** A change in the form of the webhook that would have told of it. */
function arrivalOf(place: Gap, event: string, key: string, payload: Readonly<Record<string, unknown>>): Arrival {
  const { repository, installationId } = place
  const body = Buffer.from(JSON.stringify({ ...payload, repository, installation: { id: installationId } }))
  return { source: 'github', deliveryId: `catch-up-${key}`, kind: event, body, ...peek(body) }
}

/** Labels that were put on, issues that were closed, and pull requests that were merged or closed: newest first in one list. */
async function issueEvents(place: Gap): Promise<Arrival[]> {
  const found: Arrival[] = []
  const all = place.octokit.paginate.iterator('GET /repos/{owner}/{repo}/issues/events', {
    ...nameOf(place),
    per_page: 100,
  })
  for await (const data of pagesOf(all, `issue events of ${fullNameOf(place)}`, place.cut))
    for (const one of data) {
      if (Date.parse(one.created_at) < place.since) return found.toReversed()
      if (!isWithin(place, one.created_at)) continue
      const { event, issue, actor } = one
      if (!issue || !actor) continue
      const key = `issue-event-${idOf(one.id)}`
      if (event === 'labeled' && one.label && !issue.pull_request)
        found.push(arrivalOf(place, 'issues', key, { action: 'labeled', issue, label: one.label, sender: actor }))
      if (event === 'labeled' && one.label && issue.pull_request) {
        const pull_request = await pullOf(place, issue.number)
        found.push(
          arrivalOf(place, 'pull_request', key, { action: 'labeled', pull_request, label: one.label, sender: actor }),
        )
      }
      if (event === 'closed' && !issue.pull_request) {
        const closed = { ...issue, updated_at: one.created_at }
        found.push(arrivalOf(place, 'issues', key, { action: 'closed', issue: closed, sender: actor }))
      }
      if (issue.pull_request && (event === 'merged' || (event === 'closed' && !issue.pull_request.merged_at)))
        found.push(
          arrivalOf(place, 'pull_request', key, {
            action: 'closed',
            pull_request: await pullOf(place, issue.number),
            sender: actor,
          }),
        )
    }
  return found.toReversed()
}

async function pullOf(place: Gap, number: number) {
  const { data } = await place.octokit.request('GET /repos/{owner}/{repo}/pulls/{pull_number}', {
    ...nameOf(place),
    pull_number: number,
  })
  return data
}

interface Written {
  readonly id: number | bigint
  readonly created_at: string
  readonly user: { readonly type: string } | null
}

/** What people wrote between the times, page by page; what arrived when it was written is left out. */
async function missed<T extends Written>(
  place: Gap,
  store: CatchUpStore,
  pages: Parameters<typeof pagesOf<readonly T[]>>[0],
  numberOf: (one: T) => number,
): Promise<{ one: T; number: number }[]> {
  const found: { one: T; number: number }[] = []
  for await (const data of pagesOf(pages, `comments of ${fullNameOf(place)}`, place.cut))
    for (const one of data) {
      const number = numberOf(one)
      const old = !isWithin(place, one.created_at) || one.user?.type === 'Bot'
      if (old || (await store.has(githubKey(place.repository.id, number), `"id":${idOf(one.id)},`))) continue
      found.push({ one, number })
    }
  return found
}

function querySince(place: Gap) {
  const since = new Date(place.since).toISOString()
  return { ...nameOf(place), since, sort: 'created', direction: 'asc', per_page: 100 } as const
}

async function comments(place: Gap, store: CatchUpStore): Promise<Arrival[]> {
  const { octokit } = place
  const found = await missed(
    place,
    store,
    octokit.paginate.iterator('GET /repos/{owner}/{repo}/issues/comments', querySince(place)),
    (one) => Number(/\/issues\/(\d+)$/.exec(one.issue_url)?.[1]),
  )
  return Promise.all(
    found.map(async ({ one, number }) => {
      const comment = withUser(one)
      const where = { ...nameOf(place), issue_number: number }
      const { data: issue } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}', where)
      const payload = { action: 'created', issue, comment, sender: comment.user }
      return arrivalOf(place, 'issue_comment', `comment-${idOf(comment.id)}`, payload)
    }),
  )
}

async function reviewComments(place: Gap, store: CatchUpStore): Promise<Arrival[]> {
  const found = await missed(
    place,
    store,
    place.octokit.paginate.iterator('GET /repos/{owner}/{repo}/pulls/comments', querySince(place)),
    (one) => Number(/\/pulls\/(\d+)$/.exec(one.pull_request_url)?.[1]),
  )
  return found.map(({ one, number }) => {
    const comment = withUser(one)
    const payload = { action: 'created', comment, pull_request: { number }, sender: comment.user }
    return arrivalOf(place, 'pull_request_review_comment', `review-comment-${idOf(comment.id)}`, payload)
  })
}

/** An account that is gone is nobody. */
function withUser<T extends { readonly user?: U | null | undefined }, U>(one: T): T & { user: U | null } {
  return { ...one, user: one.user ?? null }
}
