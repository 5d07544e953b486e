import { bodyHtml } from './attachments.ts'
import { z } from 'zod'
import { type Caller, Refusal, require } from './auth.ts'
import { git, shaOf, showHead } from './git.ts'
import type { Hooks } from './hooks.ts'
import { Shapes } from './shapes.ts'
import { type Issue, type Level, now, type Repo, type World } from './world.ts'

/** One call to the REST API, taken apart. */
export interface Call {
  readonly world: World
  readonly hooks: Hooks
  readonly shapes: Shapes
  readonly caller: Caller
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** As it was asked. */
  readonly url: string
  readonly body: unknown
  /** In which form an answer is wanted. */
  readonly accept: string
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The permission that a role comes to where only those of old are known. */
const LEGACY: Readonly<Record<Level, 'admin' | 'write' | 'read' | 'none'>> = {
  admin: 'admin',
  maintain: 'write',
  write: 'write',
  triage: 'read',
  read: 'read',
  none: 'none',
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As in GitHub's OpenAPI description: `/repos/{owner}/{repo}/…` */
  readonly path: string
  readonly handle: (call: Call) => Promise<Answer> | Answer
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created = (body: unknown): Answer => ({ status: 201, body })

/** The repository of a call, if the token may do this there. */
export function repoOf({ world, params, caller }: Call, permissions: readonly string[], level: 'read' | 'write'): Repo {
  const repo = world.repos.find((one) => one.owner.login === params['owner'] && one.name === params['repo'])
  if (!repo) throw new Refusal(404, 'Not Found')
  require(caller, permissions, level, repo.id)
  return repo
}

export function issueOf(world: World, number: string | undefined): Issue {
  const issue = world.issues.find((one) => one.number === Number(number))
  if (!issue) throw new Refusal(404, 'Not Found')
  return issue
}

export function pullOf(world: World, number: string | undefined): Issue & { pull: NonNullable<Issue['pull']> } {
  const issue = issueOf(world, number)
  const { pull } = issue
  if (!pull) throw new Refusal(404, 'Not Found')
  return Object.assign(issue, { pull })
}

/** A body of the right shape. @throws Refusal 422 */
export function read<T>(shape: z.ZodType<T>, body: unknown): T {
  const parsed = shape.safeParse(body)
  if (!parsed.success) throw new Refusal(422, `Validation Failed: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}

/** One page of a list, and where the next one is (RFC 8288). */
export function paged<T>(items: readonly T[], { world, url, query }: Call, shape: (one: T) => unknown): Answer {
  const size = Math.min(100, Number(query.get('per_page') ?? 30))
  const page = Math.max(1, Number(query.get('page') ?? 1))
  const next = new URL(url, world.url)
  next.searchParams.set('page', String(page + 1))
  return {
    status: 200,
    body: items.slice((page - 1) * size, page * size).map(shape),
    ...(items.length > page * size ? { headers: { link: `<${next.href}>; rel="next"` } } : {}),
  }
}

export const MAX_BODY = 65_536
export const Text = z.object({ body: z.string().max(MAX_BODY, 'body is too long (maximum is 65536 characters)') })
const Content = z.object({ content: z.string() })
export const ISSUES = ['issues', 'pull_requests']

export const ISSUE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}',
    handle: (call) => ok(call.shapes.fullRepo(repoOf(call, ['metadata', 'issues'], 'read'))),
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/issues/events',
    handle: (call) => {
      const repo = repoOf(call, ISSUES, 'read')
      return paged(call.world.issueEvents.toReversed(), call, (one) => call.shapes.issueEvent(one, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/issues/{issue_number}',
    handle: (call) => {
      const issue = issueOf(call.world, call.params['issue_number'])
      const shape = call.shapes.issue(issue, repoOf(call, ISSUES, 'read'))
      return ok(call.accept.includes('.full+') ? { ...shape, body_html: bodyHtml(call.world, issue.body) } : shape)
    },
  },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/issues/{issue_number}/reactions',
    handle: (call) => react(call, `issue:${call.params['issue_number']}`),
  },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions',
    handle: (call) => react(call, `comment:${call.params['comment_id']}`),
  },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions',
    handle: (call) => react(call, `review:${call.params['comment_id']}`),
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/collaborators/{username}/permission',
    handle: (call) => {
      const repo = repoOf(call, ['metadata'], 'read')
      const account = call.world.accounts.get(call.params['username'] ?? '')
      if (!account) throw new Refusal(404, 'Not Found')
      const role = repo.people.get(account.id) ?? 'none'
      const permission = LEGACY[role]
      return ok({ permission, role_name: role, user: { ...call.shapes.user(account), role_name: role } })
    },
  },
  {
    method: 'GET',
    path: '/orgs/{org}/teams/{team_slug}/memberships/{username}',
    handle: ({ world, params, caller }) => {
      // Asked by an installation, whichever repositories it reaches.
      require(caller, ['members'], 'read', caller.kind === 'installation' ? (caller.token.repositoryIds?.[0] ?? 0) : 0)
      const { org = '', team_slug: slug = '', username = '' } = params
      const account = world.accounts.get(username)
      if (!account || !world.teams.get(`${org}/${slug}`)?.has(account.id)) throw new Refusal(404, 'Not Found')
      const url = `${world.url}/api/v3/organizations/1/team/1/memberships/${username}`
      return ok({ url, role: 'member', state: 'active' })
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/contents/{path}',
    handle: async (call) => {
      const repo = repoOf(call, ['contents'], 'read')
      const path = call.params['path'] ?? ''
      const sha = await git(repo.dir, ['rev-parse', '--verify', '--quiet', `${repo.defaultBranch}:${path}`]).catch(
        () => undefined,
      )
      if (!sha) throw new Refusal(404, 'Not Found')
      return ok(call.shapes.contentFile(repo, path, sha, Buffer.from(await git(repo.dir, ['cat-file', 'blob', sha]))))
    },
  },
]

/** The thread in which a reaction is seen. */
function threadOf({ comments, reviewComments }: World, target: string): string {
  const [kind, id] = target.split(':')
  if (kind === 'issue') return `#${id}`
  return `#${comments.find((one) => one.id === Number(id))?.issue ?? reviewComments.find((one) => one.id === Number(id))?.pull ?? ''}`
}

function react(call: Call, target: string): Answer {
  repoOf(call, ISSUES, 'write')
  const { content } = read(Content, call.body)
  const known = call.world.reactions.find(
    (one) => one.target === target && one.content === content && one.user === call.world.bot,
  )
  if (known) return ok(call.shapes.reaction(known))
  const reaction = { id: call.world.id(), target, user: call.world.bot, content, createdAt: now() }
  call.world.reactions.push(reaction)
  call.world.note(call.world.bot, 'reacted', threadOf(call.world, target), content)
  return created(call.shapes.reaction(reaction))
}

const NewPull = z.object({
  title: z.string().max(256),
  head: z.string(),
  base: z.string(),
  body: z.string().max(MAX_BODY).default(''),
  draft: z.boolean().default(false),
})
export const PULLS = ['pull_requests']

export const PULL_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/repos/{owner}/{repo}/pulls', handle: openPull },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/pulls',
    handle: (call) => {
      const repo = repoOf(call, PULLS, 'read')
      const head = call.query.get('head')?.replace(/^[^:]*:/, '')
      const state = call.query.get('state') ?? 'open'
      const found = call.world.issues.filter(
        (one) => one.pull && (!head || one.pull.head === head) && (state === 'all' || one.state === state),
      )
      return paged(found, call, (one) => call.shapes.pullSimple(one, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/pulls/comments',
    handle: (call) => {
      const repo = repoOf(call, PULLS, 'read')
      const since = Date.parse(call.query.get('since') ?? '1970-01-01T00:00:00Z')
      const found = call.world.reviewComments.filter((one) => Date.parse(one.createdAt) >= since)
      return paged(found, call, (one) => call.shapes.reviewComment(one, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/pulls/{pull_number}',
    handle: async (call) => {
      const repo = repoOf(call, PULLS, 'read')
      const issue = pullOf(call.world, call.params['pull_number'])
      return ok(call.shapes.pull(issue, repo, await countsOf(repo, issue.pull)))
    },
  },
  {
    method: 'PATCH',
    path: '/repos/{owner}/{repo}/pulls/{pull_number}',
    handle: async (call) => {
      const repo = repoOf(call, PULLS, 'write')
      const issue = pullOf(call.world, call.params['pull_number'])
      issue.body = read(Text, call.body).body
      issue.updatedAt = now()
      return ok(call.shapes.pull(issue, repo, await countsOf(repo, issue.pull)))
    },
  },
  { method: 'POST', path: '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers', handle: requestReviewers },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/pulls/{pull_number}/comments',
    handle: (call) => {
      const repo = repoOf(call, PULLS, 'read')
      const { number } = pullOf(call.world, call.params['pull_number'])
      const found = call.world.reviewComments.filter((one) => one.pull === number)
      return paged(found, call, (one) => call.shapes.reviewComment(one, repo))
    },
  },
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies',
    handle: replyToReview,
  },
]

async function countsOf(repo: Repo, pull: NonNullable<Issue['pull']>) {
  const lines = (await git(repo.dir, ['diff', '--numstat', `${pull.baseSha}...${pull.headSha}`]))
    .split('\n')
    .filter(Boolean)
  const sum = (column: number) => lines.reduce((total, line) => total + (Number(line.split('\t')[column]) || 0), 0)
  return {
    additions: sum(0),
    deletions: sum(1),
    changed_files: lines.length,
    commits: Number(await git(repo.dir, ['rev-list', '--count', `${pull.baseSha}..${pull.headSha}`])),
  }
}

/** On a private repository, opening a pull request wants to read the contents too. */
function mayReadRefs({ caller }: Call): boolean {
  return caller.kind === 'installation' && caller.token.permissions['contents'] !== undefined
}

async function openPull(call: Call): Promise<Answer> {
  const { world, hooks, shapes } = call
  const repo = repoOf(call, PULLS, 'write')
  if (!mayReadRefs(call)) throw new Refusal(422, 'Validation Failed: not all refs are readable')
  const input = read(NewPull, call.body)
  const head = input.head.replace(/^[^:]*:/, '')
  const [headSha, baseSha] = [await shaOf(repo.dir, head), await shaOf(repo.dir, input.base)]
  if (!headSha || !baseSha) throw new Refusal(422, 'Validation Failed: head or base is invalid')
  if (world.issues.some((one) => one.pull?.head === head && one.state === 'open'))
    throw new Refusal(422, `Validation Failed: A pull request already exists for ${repo.owner.login}:${head}.`)
  const issue: Issue = {
    id: world.id(),
    number: world.issues.length + 1,
    user: world.bot,
    title: input.title,
    body: input.body,
    labels: [],
    assignees: [],
    state: 'open',
    createdAt: now(),
    updatedAt: now(),
    closedAt: null,
    pull: {
      id: world.id(),
      head,
      base: input.base,
      headSha,
      baseSha,
      draft: input.draft,
      merged: undefined,
      reviewers: [],
    },
  }
  world.issues.push(issue)
  await showHead(repo.dir, issue.number, headSha)
  world.note(
    world.bot,
    input.draft ? 'opened the draft pull request' : 'opened the pull request',
    `#${issue.number}`,
    input.title,
  )
  const shown = shapes.pull(
    issue,
    repo,
    await countsOf(
      repo,
      issue.pull ?? { id: 0, head, base: input.base, headSha, baseSha, draft: true, merged: undefined, reviewers: [] },
    ),
  )
  void hooks.emit('pull_request', 'opened', repo, world.bot, { number: issue.number, pull_request: shown })
  return created(shown)
}

async function requestReviewers(call: Call): Promise<Answer> {
  const repo = repoOf(call, PULLS, 'write')
  const issue = pullOf(call.world, call.params['pull_number'])
  const { reviewers } = read(z.object({ reviewers: z.array(z.string()) }), call.body)
  const people = reviewers.map((login) => call.world.accounts.get(login))
  if (people.some((one) => !one || !repo.people.has(one.id)))
    throw new Refusal(422, 'Reviews may only be requested from collaborators.')
  issue.pull.reviewers = people.filter((one) => one !== undefined)
  call.world.note(call.world.bot, 'asked for a review by', `#${issue.number}`, reviewers.join(', '))
  return created(call.shapes.pullSimple(issue, repo))
}

function replyToReview(call: Call): Answer {
  const repo = repoOf(call, PULLS, 'write')
  const issue = pullOf(call.world, call.params['pull_number'])
  const root = call.world.reviewComments.find((one) => one.id === Number(call.params['comment_id']))
  if (!root) throw new Refusal(404, 'Not Found')
  const { body } = read(Text, call.body)
  const comment = {
    ...root,
    id: call.world.id(),
    user: call.world.bot,
    body,
    inReplyTo: root.inReplyTo ?? root.id,
    review: call.world.id(),
    createdAt: now(),
  }
  call.world.reviewComments.push(comment)
  call.world.note(call.world.bot, 'replied in the review thread on', `#${issue.number}`, body)
  void call.hooks.emit('pull_request_review_comment', 'created', repo, call.world.bot, {
    comment: call.shapes.reviewComment(comment, repo),
    pull_request: call.shapes.pullSimple(issue, repo),
  })
  return created(call.shapes.reviewComment(comment, repo))
}
