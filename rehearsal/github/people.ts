import { comesTo } from './api-waiting.ts'
import { failedRun, type FailedJob } from './api-actions.ts'
import { type Changes, commitFiles, git, identity, shaOf, showHead } from './git.ts'
import type { Hooks } from './hooks.ts'
import { Shapes } from './shapes.ts'
import {
  type Account,
  type CheckRun,
  type Issue,
  now,
  type Repo,
  type Review,
  type Status,
  type WaitingJob,
  type World,
} from './world.ts'

export interface NewPull {
  /** A branch, or a commit of a fork's. */
  readonly head: string
  readonly title: string
  readonly body: string
  readonly base?: string
  readonly isFork?: boolean
}

/** What people do on the rehearsal's GitHub, as they would in the browser. */
export class People {
  readonly #world: World
  readonly #hooks: Hooks
  readonly #repo: Repo
  readonly #shapes: Shapes

  constructor(world: World, hooks: Hooks, repo: Repo) {
    this.#world = world
    this.#hooks = hooks
    this.#repo = repo
    this.#shapes = new Shapes(world)
  }

  async openIssue(who: string, title: string, body: string): Promise<Issue> {
    const user = this.#world.person(who)
    const issue = this.#world.addIssue(user, title, body)
    this.#world.note(user, 'opened the issue', `#${issue.number}`, `${title}\n\n${body}`)
    await this.#hooks.emit('issues', 'opened', this.#repo, user, { issue: this.#shapes.issue(issue, this.#repo) })
    return issue
  }

  /** A workflow of a commit comes to a job with an environment, which waits for the app. @param who has caused it */
  comesTo(who: string, sha: string, environment: string, play: WaitingJob['play']): Promise<WaitingJob> {
    return comesTo(this.#world, this.#hooks, this.#repo, this.#world.person(who), { sha, environment, play })
  }

  async label(who: string, number: number, label: string): Promise<void> {
    const user = this.#world.person(who)
    const issue = this.#issue(number)
    issue.labels.push(label)
    this.#world.addEvent('labeled', number, user, label)
    this.#world.note(user, 'added the label', `#${number}`, label)
    const shown = issue.pull ? this.#shapes.pull(issue, this.#repo) : this.#shapes.issue(issue, this.#repo)
    const [event, what] = issue.pull ? (['pull_request', 'pull_request'] as const) : (['issues', 'issue'] as const)
    const labels = Array.isArray(shown['labels']) ? shown['labels'] : []
    await this.#hooks.emit(event, 'labeled', this.#repo, user, { number, [what]: shown, label: labels.at(-1) })
  }

  async assign(who: string, number: number, assignee: string): Promise<void> {
    const user = this.#world.person(who)
    const issue = this.#issue(number)
    issue.assignees.push(this.#world.person(assignee))
    await this.#hooks.emit('issues', 'assigned', this.#repo, user, {
      issue: this.#shapes.issue(issue, this.#repo),
      assignee: this.#shapes.user(this.#world.person(assignee)),
    })
  }

  async comment(who: string, number: number, body: string): Promise<number> {
    const user = this.#world.person(who)
    const issue = this.#issue(number)
    const comment = { id: this.#world.id(), issue: number, user, body, createdAt: now(), updatedAt: now(), edits: 0 }
    this.#world.comments.push(comment)
    this.#world.note(user, 'commented', `#${number}`, body)
    await this.#hooks.emit('issue_comment', 'created', this.#repo, user, {
      issue: this.#shapes.issue(issue, this.#repo),
      comment: this.#shapes.comment(comment, this.#repo),
    })
    return comment.id
  }

  async editComment(who: string, id: number, body: string): Promise<void> {
    const user = this.#world.person(who)
    const comment = this.#world.comments.find((one) => one.id === id)
    if (!comment) throw new Error(`there is no comment ${id}`)
    comment.body = body
    await this.#hooks.emit('issue_comment', 'edited', this.#repo, user, {
      issue: this.#shapes.issue(this.#issue(comment.issue), this.#repo),
      comment: this.#shapes.comment(comment, this.#repo),
      changes: { body: { from: '' } },
    })
  }

  /** Commits onto a branch, which is made from the default branch where there is none, and pushes it. */
  async push(who: string, branch: string, files: Changes, message: string): Promise<string> {
    const user = this.#world.person(who)
    const { dir, defaultBranch } = this.#repo
    const parent = (await shaOf(dir, `refs/heads/${branch}`)) ?? (await shaOf(dir, defaultBranch)) ?? ''
    const sha = await commitFiles(dir, parent, files, user.login, message)
    await git(dir, ['update-ref', `refs/heads/${branch}`, sha])
    await branchesMoved(this.#world, this.#hooks, this.#repo, user)
    return sha
  }

  /** A pull request of somebody's own, from a branch that is there; a fork's has its commits and no branch here. */
  async openPull(
    who: string,
    { head, title, body, base = this.#repo.defaultBranch, isFork = false }: NewPull,
  ): Promise<Issue> {
    const user = this.#world.person(who)
    const { dir } = this.#repo
    const [headSha, baseSha] = [await shaOf(dir, head), await shaOf(dir, base)]
    if (!headSha || !baseSha) throw new Error(`there is no ${headSha ? base : head}`)
    const issue = this.#world.addIssue(user, title, body)
    issue.pull = {
      id: this.#world.id(),
      head,
      base,
      headSha,
      baseSha,
      draft: false,
      isFork,
      merged: undefined,
      reviewers: [],
    }
    await showHead(dir, issue.number, headSha)
    this.#world.note(user, 'opened the pull request', `#${issue.number}`, `${title}\n\n${body}`)
    await this.#hooks.emit('pull_request', 'opened', this.#repo, user, {
      number: issue.number,
      pull_request: this.#shapes.pull(issue, this.#repo),
    })
    return issue
  }

  /** A review with inline comments; GitHub sends each of them, then the review. */
  async review(
    who: string,
    number: number,
    state: Review['state'],
    body: string,
    inline: readonly { path: string; line: number; body: string }[],
  ): Promise<number[]> {
    const user = this.#world.person(who)
    const issue = this.#issue(number)
    const commitId = issue.pull?.headSha ?? ''
    const review: Review = { id: this.#world.id(), pull: number, user, body, state, commitId, at: now() }
    this.#world.reviews.push(review)
    this.#world.note(
      user,
      { APPROVED: 'approved', CHANGES_REQUESTED: 'requested changes on', COMMENTED: 'reviewed' }[state],
      `#${number}`,
      [body, ...inline.map((one) => `${one.path}:${one.line}: ${one.body}`)].filter(Boolean).join('\n'),
    )
    const pull = this.#shapes.pullSimple(issue, this.#repo)
    const ids: number[] = []
    for (const one of inline) {
      const comment = {
        id: this.#world.id(),
        pull: number,
        review: review.id,
        user,
        body: one.body,
        path: one.path,
        line: one.line,
        commitId,
        inReplyTo: undefined,
        createdAt: now(),
      }
      this.#world.reviewComments.push(comment)
      ids.push(comment.id)
      await this.#hooks.emit('pull_request_review_comment', 'created', this.#repo, user, {
        comment: this.#shapes.reviewComment(comment, this.#repo),
        pull_request: pull,
      })
    }
    await this.#hooks.emit('pull_request_review', 'submitted', this.#repo, user, {
      review: { ...this.#shapes.review(review, this.#repo), state: state.toLowerCase() },
      pull_request: pull,
    })
    return ids
  }

  /** Merges with a merge commit, closes what the closing keywords name. */
  async merge(who: string, number: number): Promise<string> {
    const user = this.#world.person(who)
    const issue = this.#issue(number)
    const { pull } = issue
    if (!pull || pull.draft || pull.merged) throw new Error(`#${number} cannot be merged`)
    if (!['write', 'admin'].includes(this.#repo.people.get(user.id) ?? '')) throw new Error(`${who} may not merge`)
    const { dir } = this.#repo
    const base = await git(dir, ['rev-parse', pull.base])
    const [tree = ''] = (await git(dir, ['merge-tree', '--write-tree', base, pull.headSha])).split('\n')
    const sha = await git(
      dir,
      [
        'commit-tree',
        tree,
        '-p',
        base,
        '-p',
        pull.headSha,
        '-m',
        `Merge pull request #${number} from ${this.#repo.owner.login}/${pull.head}\n\n${issue.title}`,
      ],
      identity(user.login),
    )
    await git(dir, ['update-ref', `refs/heads/${pull.base}`, sha, base])
    pull.merged = { sha, by: user, at: now() }
    this.#close(issue)
    this.#world.addEvent('merged', number, user)
    this.#world.note(user, 'merged', `#${number}`, sha.slice(0, 7))
    await this.#hooks.emit('pull_request', 'closed', this.#repo, user, {
      number,
      pull_request: this.#shapes.pull(issue, this.#repo),
    })
    for (const [, closed] of issue.body.matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? #(\d+)/gi))
      await this.#closeByKeyword(Number(closed), user)
    return sha
  }

  async closeIssue(who: string, number: number): Promise<void> {
    await this.#closeIssue(this.#issue(number), this.#world.person(who))
  }

  async reopenIssue(who: string, number: number): Promise<void> {
    const issue = this.#issue(number)
    Object.assign(issue, { state: 'open', closedAt: null, updatedAt: now() })
    const shown = this.#shapes.issue(issue, this.#repo)
    await this.#hooks.emit('issues', 'reopened', this.#repo, this.#world.person(who), { issue: shown })
  }

  async closePull(who: string, number: number): Promise<void> {
    const user = this.#world.person(who)
    this.#close(this.#issue(number))
    await this.#hooks.emit('pull_request', 'closed', this.#repo, user, {
      number,
      pull_request: this.#shapes.pull(this.#issue(number), this.#repo),
    })
  }

  /** A check of somebody else's on a pull request failed: another app's or, with a log, a job of GitHub Actions. */
  async failCheck(number: number, name: string, summary: string, job: Partial<FailedJob> = {}): Promise<number> {
    const headSha = this.#issue(number).pull?.headSha ?? ''
    const run = failedRun(this.#world, { ...job, name, summary, headSha })
    await this.#tellCheck(number, run)
    return run.id
  }

  /** It was run once more, and is green. */
  async passCheck(number: number, name: string): Promise<void> {
    const headSha = this.#issue(number).pull?.headSha ?? ''
    const run: CheckRun = { ...failedRun(this.#world, { name, summary: '', headSha, log: '' }), conclusion: 'success' }
    await this.#tellCheck(number, run)
  }

  async #tellCheck(number: number, run: CheckRun): Promise<void> {
    const bot = this.#world.accounts.get('ci[bot]') ?? this.#world.addAccount('ci[bot]', 'Bot')
    const slug = run.log === undefined ? 'some-ci' : 'github-actions'
    const shown = {
      ...this.#shapes.checkRun(run, this.#repo),
      app: { ...this.#shapes.app(), id: 1, slug },
      pull_requests: [{ number, id: this.#issue(number).pull?.id, url: '', head: {}, base: {} }],
    }
    await this.#hooks.emit('check_run', 'completed', this.#repo, bot, { check_run: shown })
  }

  /** Some other system says something of the head of a pull request. */
  async report(number: number, state: Status['state'], context: string, description: string): Promise<void> {
    const { pull } = this.#issue(number)
    const bot = this.#world.accounts.get('ci[bot]') ?? this.#world.addAccount('ci[bot]', 'Bot')
    const status: Status = { id: this.#world.id(), sha: pull?.headSha ?? '', state, context, description, at: now() }
    this.#world.statuses.push(status)
    await this.#hooks.emit('status', undefined, this.#repo, bot, {
      ...this.#shapes.status(status, this.#repo),
      sha: status.sha,
      name: `${this.#repo.owner.login}/${this.#repo.name}`,
      branches: [{ name: pull?.head ?? '', commit: { sha: status.sha, url: '' }, protected: false }],
    })
  }

  /** A press on a button of Muster's own check run. */
  async pressButton(who: string, number: number, identifier: string): Promise<void> {
    const issue = this.#issue(number)
    const run = this.#world.checkRuns.findLast(
      (one) => one.headSha === issue.pull?.headSha && one.name.startsWith('muster/'),
    )
    if (!run) throw new Error('there is no check run')
    const shown = {
      ...this.#shapes.checkRun(run, this.#repo),
      pull_requests: [{ number, id: issue.pull?.id, url: '', head: {}, base: {} }],
    }
    await this.#hooks.emit('check_run', 'requested_action', this.#repo, this.#world.person(who), {
      check_run: shown,
      requested_action: { identifier },
    })
  }

  #issue(number: number): Issue {
    const issue = this.#world.issues.find((one) => one.number === number)
    if (!issue) throw new Error(`there is no #${number}`)
    return issue
  }

  #close(issue: Issue): void {
    issue.state = 'closed'
    issue.closedAt = now()
    issue.updatedAt = now()
  }

  async #closeByKeyword(number: number, user: Account): Promise<void> {
    const issue = this.#world.issues.find((one) => one.number === number && one.state === 'open')
    if (!issue) return
    this.#world.note(user, 'closed by the merge', `#${number}`, '')
    await this.#closeIssue(issue, user)
  }

  async #closeIssue(issue: Issue, user: Account): Promise<void> {
    this.#close(issue)
    this.#world.addEvent('closed', issue.number, user)
    await this.#hooks.emit('issues', 'closed', this.#repo, user, { issue: this.#shapes.issue(issue, this.#repo) })
  }
}

/** After a push: pull requests get their new head, and GitHub tells of it. */
export async function branchesMoved(world: World, hooks: Hooks, repo: Repo, pusher: Account): Promise<void> {
  for (const issue of world.issues) {
    const { pull } = issue
    if (!pull || pull.merged || issue.state === 'closed') continue
    const sha = await shaOf(repo.dir, pull.head)
    if (!sha || sha === pull.headSha) continue
    pull.headSha = sha
    await showHead(repo.dir, issue.number, sha)
    issue.updatedAt = now()
    world.note(pusher, 'pushed to', `#${issue.number}`, sha.slice(0, 7))
    void hooks.emit('pull_request', 'synchronize', repo, pusher, {
      number: issue.number,
      pull_request: new Shapes(world).pull(issue, repo),
    })
  }
}
