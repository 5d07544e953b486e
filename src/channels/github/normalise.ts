import type { z } from 'zod'
import { branchKey, commitKey, githubKey, type Heard, type Subject, type Unheard, type What } from '../../core/heard.ts'
import type { ReviewComment } from '../../core/task/types.ts'
import { Envelope, type EventName, payloadIn, Payloads, personOf } from './schema.ts'

type Payload<Name extends EventName> = z.infer<(typeof Payloads)[Name]>
type Found = {
  readonly number: number
  /** Where it is told by its branch alone. */
  readonly branch?: string
  /** Where it is told by its commit alone. */
  readonly commit?: string
  readonly at: string | null | undefined
  readonly what: What
  /** Whose words were heard, and when they were written; undefined where no words count. */
  readonly written?: Written
}
interface Written {
  readonly user?: { readonly id: number } | null | undefined
  readonly created_at?: string | null | undefined
  readonly updated_at?: string | null | undefined
  /** They stood elsewhere before. */
  readonly isMoved?: boolean
}

/** Words are their author's, and count when they are written: who moves, converts or imports them lends them no authority. */
const NOT_OWN: Unheard = {
  ignored: 'not_author',
  detail: 'whoever sent this did not write these words just now: they were moved, or somebody else wrote them',
}
/** GitHub may touch what was just written, to set its labels. */
const JUST_NOW_MS = 5 * 60_000

function isOwn({ user, created_at: created, updated_at: updated, isMoved }: Written, sender: number): boolean {
  const age = Date.parse(updated ?? created ?? '') - Date.parse(created ?? '')
  return user?.id === sender && !isMoved && (created === undefined || age <= JUST_NOW_MS)
}

/** Reads a webhook payload. Pure; every input has an answer. `appId` tells our own check runs from others'. */
export function normalise(event: string, body: Uint8Array, appId: string): Heard | Unheard {
  const payload = payloadIn(body)
  if (payload === undefined) return { ignored: 'malformed', detail: 'the body is not JSON' }
  if (event === 'ping') return { ignored: 'ping', detail: 'GitHub says hello: the webhook works' }
  if (!isKnown(event)) return { ignored: 'unknown_event', detail: `nothing is done on ${event.slice(0, 60)}` }
  const envelope = Envelope.safeParse(payload)
  if (!envelope.success)
    return {
      ignored: 'malformed',
      detail: `${event} without ${envelope.error.issues[0]?.path.join('.') ?? 'what is needed'}`,
    }
  const parsed = Payloads[event].safeParse(payload)
  if (!parsed.success)
    return {
      ignored: 'malformed',
      detail: `${event} without ${parsed.error.issues[0]?.path.join('.') ?? 'what is needed'}`,
    }
  const { repository, sender, installation } = envelope.data
  const found = read(event, payload, appId)
  if ('ignored' in found) return found
  if (found.written && !isOwn(found.written, sender.id)) return NOT_OWN
  return {
    kind: `${event}.${parsed.data.action}`,
    repository: {
      id: repository.id,
      owner: repository.owner.login,
      name: repository.name,
      defaultBranch: repository.default_branch,
      installationId: installation.id,
    },
    sender: { ...personOf(sender), isBot: sender.type === 'Bot' },
    key: keyOf(repository.id, found),
    writtenAt: Date.parse(found.at ?? ''),
    what: found.what,
  }
}

function keyOf(repositoryId: number, { number, branch, commit }: Found): string {
  if (commit !== undefined) return commitKey(repositoryId, commit)
  return branch === undefined ? githubKey(repositoryId, number) : branchKey(repositoryId, branch)
}

function isKnown(event: string): event is EventName {
  return Object.hasOwn(Payloads, event)
}

function read(event: EventName, payload: unknown, appId: string): Found | Unheard {
  switch (event) {
    case 'issues':
      return issues(Payloads.issues.parse(payload))
    case 'issue_comment':
      return issueComment(Payloads.issue_comment.parse(payload))
    case 'pull_request':
      return pullRequest(Payloads.pull_request.parse(payload), Envelope.parse(payload).repository.id)
    case 'pull_request_review':
      return review(Payloads.pull_request_review.parse(payload), payload)
    case 'pull_request_review_comment':
      return reviewComment(Payloads.pull_request_review_comment.parse(payload), payload)
    case 'check_run':
      return checkRun(Payloads.check_run.parse(payload), appId)
    case 'status':
      return statusOf(Payloads.status.parse(payload))
    case 'deployment_protection_rule':
      return awaited(Payloads.deployment_protection_rule.parse(payload))
  }
}

function unused(event: string, action: string): Unheard {
  if (action === 'edited') return { ignored: 'edited', detail: 'only what is newly written counts' }
  return { ignored: 'not_for_us', detail: `nothing is done on ${event}.${action}` }
}

function subjectOf(issue: Payload<'issues'>['issue']): Subject {
  return {
    number: issue.number,
    isPullRequest: issue.pull_request !== undefined && issue.pull_request !== null,
    title: issue.title,
    body: issue.body,
    author: personOf(issue.user),
    url: issue.html_url,
  }
}

function issues({ action, issue, label, assignee, changes }: Payload<'issues'>): Found | Unheard {
  const subject = subjectOf(issue)
  const base = { number: issue.number, at: issue.created_at }
  if (action === 'labeled' && label)
    return { ...base, at: issue.updated_at, what: { type: 'label', label: label.name, subject } }
  if (action === 'assigned' && assignee)
    return { ...base, at: issue.updated_at, what: { type: 'assigned', assignee: personOf(assignee), subject } }
  if (action === 'closed') return { ...base, at: issue.updated_at, what: { type: 'issue.closed' } }
  const isMoved = changes?.old_issue !== undefined || changes?.old_repository !== undefined
  if (action === 'opened')
    return {
      ...base,
      what: { type: 'text', text: issue.body, commentId: undefined, subject },
      written: { ...issue, isMoved },
    }
  return unused('issues', action)
}

function issueComment({ action, issue, comment }: Payload<'issue_comment'>): Found | Unheard {
  if (action !== 'created') return unused('issue_comment', action)
  return {
    number: issue.number,
    at: comment.created_at,
    what: { type: 'text', text: comment.body, commentId: comment.id, subject: subjectOf(issue) },
    written: comment,
  }
}

function pullRequest(
  { action, pull_request: pull, label }: Payload<'pull_request'>,
  repositoryId: number,
): Found | Unheard {
  const base = { number: pull.number, at: pull.updated_at }
  if (action === 'closed' && pull.merged && pull.merge_commit_sha)
    return { ...base, what: { type: 'merged', sha: pull.merge_commit_sha } }
  if (action === 'closed') return { ...base, what: { type: 'closed' } }
  if (action === 'synchronize') {
    const labels = pull.labels.map(({ name }) => name)
    const isFromFork = pull.head.repo?.id !== repositoryId
    return { ...base, what: { type: 'pushed', headSha: pull.head.sha, pull: pulled(pull), labels, isFromFork } }
  }
  if (action === 'labeled' && label)
    return { ...base, what: { type: 'label', label: label.name, subject: pulled(pull) } }
  return unused('pull_request', action)
}

function pulled(pull: Payload<'pull_request'>['pull_request']): Subject {
  return {
    number: pull.number,
    isPullRequest: true,
    title: pull.title,
    body: pull.body,
    author: personOf(pull.user),
    url: pull.html_url,
  }
}

/** The text of a review itself (an approval's is no request); its inline comments arrive as events of their own. */
function review(
  { action, review: part, pull_request }: Payload<'pull_request_review'>,
  payload: unknown,
): Found | Unheard {
  const state = part.state.toLowerCase()
  if (action !== 'submitted' || (state !== 'approved' && state !== 'changes_requested' && state !== 'commented'))
    return unused('pull_request_review', action)
  const author = personOf(Envelope.parse(payload).sender)
  const own: ReviewComment[] =
    state === 'approved' || part.body.trim() === ''
      ? []
      : [
          {
            id: part.id,
            reviewId: part.id,
            thread: false,
            rootId: 0,
            author,
            body: part.body,
            path: undefined,
            line: undefined,
          },
        ]
  return {
    number: pull_request.number,
    at: part.submitted_at,
    what: { type: 'review', state, comments: own },
    written: { user: part.user },
  }
}

function reviewComment(
  { action, comment, pull_request }: Payload<'pull_request_review_comment'>,
  payload: unknown,
): Found | Unheard {
  if (action !== 'created') return unused('pull_request_review_comment', action)
  const author = personOf(Envelope.parse(payload).sender)
  const line = comment.line ?? comment.original_line ?? undefined
  const one: ReviewComment = {
    id: comment.id,
    reviewId: comment.pull_request_review_id ?? 0,
    thread: true,
    rootId: comment.in_reply_to_id ?? comment.id,
    author,
    body: comment.body,
    path: comment.path,
    line,
  }
  return {
    number: pull_request.number,
    at: comment.created_at,
    what: { type: 'review', state: 'commented', comments: [one] },
    written: comment,
  }
}

function checkRun({ action, check_run: run, requested_action }: Payload<'check_run'>, appId: string): Found | Unheard {
  const number = run.pull_requests[0]?.number
  if (number === undefined) return { ignored: 'no_task', detail: 'the check belongs to no pull request' }
  const ours = String(run.app?.id ?? '') === appId
  const base = { number, at: run.completed_at ?? new Date().toISOString() }
  if (
    action === 'requested_action' &&
    ours &&
    (requested_action?.identifier === 'retry' || requested_action?.identifier === 'why')
  )
    return { ...base, what: { type: 'button', action: requested_action.identifier } }
  if (action === 'rerequested' && ours) return { ...base, what: { type: 'button', action: 'rerun' } }
  if (action === 'completed' && !ours && (run.conclusion === 'failure' || run.conclusion === 'timed_out')) {
    const text = [run.output?.title, run.output?.summary, run.output?.text].filter(Boolean).join('\n\n')
    return {
      ...base,
      what: {
        type: 'check.failed',
        name: run.name,
        headSha: run.head_sha,
        text: text || 'The check says no more than that it failed.',
        ...(run.id === undefined ? {} : { runId: run.id }),
        isJob: run.app?.slug === 'github-actions',
        url: run.html_url ?? undefined,
      },
    }
  }
  if (action === 'completed' && !ours && run.conclusion === 'success')
    return { ...base, what: { type: 'check.passed', name: run.name, headSha: run.head_sha } }
  return unused('check_run', action)
}

function awaited({
  action,
  environment,
  deployment,
  deployment_callback_url: url,
}: Payload<'deployment_protection_rule'>): Found | Unheard {
  const run = Number(/\/actions\/runs\/(\d{1,15})\//.exec(url)?.[1])
  if (action !== 'requested') return unused('deployment_protection_rule', action)
  if (environment === '' || !deployment || !run || !/^[\da-f]{40,64}$/.test(deployment.sha))
    return { ignored: 'malformed', detail: 'nobody says what waits where' }
  const { sha, id } = deployment
  const awaits = { run, deployment: id }
  return { number: 0, commit: sha, at: undefined, what: { type: 'awaited', environment, sha, awaits } }
}

/** Only on Muster's own branches is there anybody who would do something about it. */
function statusOf({ sha, state, context, description, updated_at: at, branches }: Payload<'status'>) {
  const branch = branches.find(({ name }) => name.startsWith('muster/'))?.name
  if (branch === undefined) return { ignored: 'no_task', detail: 'the status belongs to no branch of a task' }
  const base = { number: 0, branch, at }
  if (state === 'success') return { ...base, what: { type: 'check.passed', name: context, headSha: sha } } as const
  if (state !== 'failure' && state !== 'error') return unused('status', state)
  const text = description || 'The check says no more than that it failed.'
  // Its address is whatever whoever reported it wrote: no link is made of that.
  const what = { type: 'check.failed', name: context, headSha: sha, text, isJob: false } as const
  return { ...base, what }
}
