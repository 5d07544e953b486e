import { withoutEnd } from '../text.ts'
import { approvalFor } from '../policy.ts'
import type { NewStep, Step, Task } from './types.ts'

/** Steps that change or prove the work, in the order they were added. */
export function workSteps(task: Task): Step[] {
  return task.steps.filter((step) => step.kind === 'build' || step.kind === 'rework' || step.kind === 'prove')
}

export function stepById(task: Task, id: string): Step | undefined {
  return task.steps.find((step) => step.id === id)
}

export function isActive(task: Task): boolean {
  return task.status === 'working' || task.status === 'waiting'
}

/** Whether PM's questions are for people to answer: twice at most, then it goes on with what it has. */
export function asksPeople({ spec, steps }: Task): boolean {
  const step = steps.find(({ kind }) => kind === 'spec')
  return spec !== undefined && spec.questions.length > 0 && step?.status === 'done' && step.attempt < 3
}

/** The step that failed last, unless a later release has come after it: what went wrong with an earlier one is over. */
export function failedStep(task: Task): Step | undefined {
  const latest = task.releases.at(-1)?.index
  return task.steps.findLast(
    (step) =>
      step.status === 'failed' &&
      (step.release === undefined ? latest === undefined || !task.merged : step.release === latest),
  )
}

/** Whether SD or QA is at work, or about to be, or their work is on its way to the branch. */
export function workUnderWay(task: Task): boolean {
  return (
    task.unpushed !== undefined ||
    workSteps(task).some((step) => step.status === 'pending' || step.status === 'running')
  )
}

/** Why a pending step may or may not begin. Deterministic gates stand here, whatever the model says. */
export function mayBegin(task: Task, step: Step): boolean {
  if (step.status !== 'pending' || !isActive(task) || task.gate) return false
  if (!step.needs.every((id) => stepById(task, id)?.status === 'done')) return false
  if (task.origin.opensIssue && task.origin.number === 0) return false
  if (step.kind === 'build')
    return task.planHash !== undefined && approvalFor(task, 'plan', task.planHash) !== undefined
  if (step.kind === 'prove') return task.headSha !== undefined && task.pullRequest !== undefined
  if (step.kind === 'deploy') return deployApproved(task, step)
  return true
}

/** A deploy needs a plan, an approval of exactly that plan and SHA, and the platform's deployment record. */
function deployApproved(task: Task, step: Step): boolean {
  const release = task.releases.find(({ index }) => index === step.release)
  return (
    release?.plan !== undefined &&
    release.deploymentId !== undefined &&
    approvalFor(task, 'deploy', release.plan.hash, release.plan.sha) !== undefined
  )
}

/** The steps that can be worked on now. */
export function readySteps(task: Task): Step[] {
  return task.steps.filter((step) => mayBegin(task, step))
}

/** When the workflow wants to be woken, if nothing else happens: ms since the epoch. */
export function nextTimer(task: Task): number | undefined {
  return isActive(task) && task.review.pending.length > 0 && !workUnderWay(task) ? task.review.dueAt : undefined
}

type Extra = Partial<Pick<NewStep, 'rework' | 'release' | 'needs'>>

/** A new step of a kind; the second of a kind is named `kind.2`, and so on. */
export function newStep(task: Task, kind: Step['kind'], role: Step['role'], extra: Extra = {}): NewStep {
  const count = task.steps.filter((step) => step.kind === kind).length
  return {
    id: count === 0 ? kind : `${kind}.${count + 1}`,
    kind,
    role,
    needs: extra.needs ?? [],
    rework: extra.rework,
    release: extra.release,
  }
}

/** What a task is called where it began: its issue, or its ticket. */
export function nameOf({ origin }: Task): string {
  if (origin.number > 0) return String(origin.number)
  return origin.surface?.channel === 'jira' ? origin.surface.name : (origin.surface?.channel ?? '0')
}

/** At most so many characters of words that hyphens join, and none of them cut in two unless it is the only one. */
function wholeWords(words: string, most: number): string {
  if (words.length <= most) return words
  const end = words.lastIndexOf('-', most)
  return withoutEnd(words.slice(0, end > 0 ? end : most), '-')
}

/** The branch of a task: `muster/<issue>-<slug>`, and a number from the second task of a conversation on. */
export function branchName(task: Task): string {
  const words = (task.spec?.title ?? task.origin.title)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
  return `muster/${nameOf(task)}-${wholeWords(withoutEnd(words, '-'), 40) || 'change'}${task.origin.nth > 1 ? `-${task.origin.nth}` : ''}`
}
