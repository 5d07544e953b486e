import { workflowOf } from '../workflows/registry.ts'
import { accepted, type Decided, type GithubCommand, ignored } from './commands.ts'
import { isHeld, newStep } from '../task/schedule.ts'
import { isActive, workSteps, workUnderWay } from '../task/steps.ts'
import { pushedTo } from './looking.ts'
import { closedByReader } from '../reply/answers.ts'
import { LIMITS, type Task } from '../task/types.ts'

/** Decides what happens on GitHub's own pages: to the pull request, and to the issue. */
export function decideGithub(task: Task, command: GithubCommand, now: number): Decided {
  if (command.type === 'pushed' && !task.pullRequest) return pushedTo(task)
  if (command.type === 'merged' && task.pullRequest) return merged(task, command)
  if (!isActive(task)) return ignored('task_ended', `the task is ${task.status}`)
  switch (command.type) {
    case 'review':
      return review(task, command, now)
    case 'quiet.over':
      return quietOver(task, now)
    case 'reprove':
      return reprove(task)
    case 'merged':
      return accepted('pr_closed', [{ type: 'task.finished', outcome: 'the pull request was merged', by: command.by }])
    case 'closed':
      return accepted('pr_closed', [{ type: 'task.finished', outcome: 'the pull request was closed without a merge' }])
    case 'issue.closed':
      return issueClosed(task, command)
    case 'pushed':
      return pushedByOthers(task, command.headSha)
    case 'check.failed':
      return checkFailed(task, command)
    case 'check.passed':
      return checkPassed(task, command)
  }
}

/** Nobody wants what is closed, until there is a pull request: then that is what is decided on, and its merge closes the issue. */
export function isEndedByClosing(task: Task): boolean {
  return workflowOf(task).endsWithIssue(task)
}

export const PULL_COUNTS = {
  reason: 'pull_request_counts',
  detail: 'there is a pull request, or a deploy: closing the issue ends neither',
} as const

function issueClosed(task: Task, { by, mayEnd }: Extract<GithubCommand, { type: 'issue.closed' }>): Decided {
  if (!isEndedByClosing(task)) return ignored(PULL_COUNTS.reason, PULL_COUNTS.detail)
  const from = { channel: 'github', url: task.origin.url } as const
  if (mayEnd) return accepted('issue_closed', [{ type: 'task.cancelled', by, from, byClosing: true }])
  const document = closedByReader(task, by)
  return { ...ignored('permission', 'closed by somebody who may not end the work'), reply: document }
}

function merged(task: Task, command: Extract<GithubCommand, { type: 'merged' }>): Decided {
  if (task.merged) return ignored('already_merged')
  if (task.status === 'cancelled') return ignored('task_ended', 'the task was cancelled before the merge')
  return accepted('pr_merged', [{ type: 'pr.merged', sha: command.sha, by: command.by }])
}

function review(task: Task, command: Extract<GithubCommand, { type: 'review' }>, now: number): Decided {
  if (!task.pullRequest) return ignored('no_pull_request')
  if (task.merged) return ignored('already_merged')
  if (!workflowOf(task).steps.some(({ kind }) => kind === 'rework')) return ignored('nobody_reworks')
  const known = new Set(task.review.ledger.map((entry) => entry.comment.id))
  const comments = command.comments.filter((comment) => !known.has(comment.id))
  const dueAt = now + task.settings.review.quietSeconds * 1000
  if (comments.length === 0 && command.comments.length > 0) return ignored('already_known')
  const detail =
    command.state === 'approved' && comments.length === 0 ? 'approved without comments' : `${comments.length} comments`
  return accepted(`review_${command.state}`, [{ type: 'review.received', by: command.by, comments, dueAt }], detail)
}

/** The comments of a review are taken as one batch, once nobody has added to them for a while. */
function quietOver(task: Task, now: number): Decided {
  const { pending, dueAt } = task.review
  if (pending.length === 0 || dueAt === undefined || task.merged) return ignored('nothing_pending')
  if (now < dueAt) return { events: [], decision: { outcome: 'deferred', reason: 'quiet_period', detail: '' } }
  if (workUnderWay(task) || isHeld(task, 'rework'))
    return { events: [], decision: { outcome: 'deferred', reason: 'work_under_way', detail: '' } }
  const rounds = workSteps(task).filter((step) => step.rework?.why === 'review').length
  if (rounds >= LIMITS.reviewRounds)
    return accepted('too_many_rounds', [
      { type: 'task.handed_off', reason: `${rounds} rounds of review are done; a person should take over` },
    ])
  const step = newStep(task, 'rework', { rework: { why: 'review', comments: pending } })
  return accepted('review_taken', [
    { type: 'review.taken', ids: pending.map(({ id }) => id) },
    { type: 'step.added', step },
  ])
}

/** "Re-run" on the check run: the same head is proved once more. */
function reprove(task: Task): Decided {
  if (!task.headSha || task.merged) return ignored('nothing_to_prove')
  if (workUnderWay(task) || isHeld(task, 'prove'))
    return ignored('work_under_way', 'this head is being worked on already')
  return accepted('reprove', [{ type: 'step.added', step: newStep(task, 'prove') }])
}

/** Somebody else pushed to the branch: that head counts from now on, and is proved anew. */
function pushedByOthers(task: Task, headSha: string): Decided {
  if (headSha === task.headSha || !task.branch) return ignored('own_push')
  return accepted('pushed_by_others', [{ type: 'branch.pushed', branch: task.branch, headSha, step: '' }])
}

/** Kept until the work on that head is over; the workflow goes on from it then. */
function checkFailed(task: Task, command: Extract<GithubCommand, { type: 'check.failed' }>): Decided {
  if (command.headSha !== task.headSha || task.merged) return ignored('stale_head')
  const { type, ...check } = command
  return accepted('check_failed', [{ type, check }])
}

/** Of interest only where it had failed. */
function checkPassed(task: Task, { name, headSha }: Extract<GithubCommand, { type: 'check.passed' }>): Decided {
  const isKnown = task.failedChecks.some((one) => one.name === name && one.headSha === headSha)
  return isKnown ? accepted('check_passed', [{ type: 'check.passed', name, headSha }]) : ignored('not_failed')
}
