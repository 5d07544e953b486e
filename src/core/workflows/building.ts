import { unjudged } from '../ci/judge.ts'
import type { JudgedCheck } from '../ci/types.ts'
import type { Kept, Reviewed } from '../review/findings.ts'
import { approvalFor } from '../policy.ts'
import { mayBeReviewed } from '../proof.ts'
import { slicesOf } from '../slices.ts'
import { isBegun, stepOf, workSteps, workUnderWay } from '../task/steps.ts'
import { LIMITS, type Task, type TaskEvent } from '../task/types.ts'
import { defineStep, eachOf, type Instance, isEachDone, onceWhen, type PeopleRow } from './define.ts'

/** How a plan becomes a proved pull request. */

const CHANGE = { name: 'Change', countsRounds: true } as const

function isApproved({ planHash, approvals }: Task): boolean {
  return planHash !== undefined && approvalFor({ approvals }, 'plan', planHash) !== undefined
}

export const build = defineStep({
  kind: 'build',
  role: 'sd',
  name: 'Change',
  phase: CHANGE,
  needs: ['design', 'plan'],
  costs: true,
  wanted: (task) => onceWhen(task, 'build', isApproved(task) && !isBegun(task) && slicesOf(task).length === 0),
  // Whatever a model says: nothing is built that is not approved as it stands.
  when: isApproved,
})

/** The independent parts of a design, side by side, each in a clone of its own. */
export const part = defineStep({
  kind: 'part',
  role: 'sd',
  name: 'Part',
  phase: { name: 'Parts', countsRounds: true },
  needs: ['design', 'plan'],
  costs: true,
  wanted: (task) => (isApproved(task) && stepOf(task, 'build') === undefined ? eachOf(task, 'part', items(task)) : []),
  when: isApproved,
})

/** The parts become one change; what does not fit together, SD joins. */
export const join = defineStep({
  kind: 'join',
  role: 'sd',
  name: 'Change, joined',
  phase: CHANGE,
  needs: ['part'],
  costs: true,
  wanted: (task) => onceWhen(task, 'join', items(task).length > 0 && isEachDone(task, 'part', items(task))),
  when: isApproved,
})

function items(task: Task): readonly string[] {
  return slicesOf(task).map(({ item }) => item)
}

/** SD once more: what was not proved, or a check that the change broke. A review begins it by its quiet time (`github.ts`). */
export const rework = defineStep({
  kind: 'rework',
  role: 'sd',
  name: 'Rework',
  phase: CHANGE,
  needs: ['build', 'join'],
  costs: true,
  wanted: (task) => {
    const proof = unproved(task)
    // What is not proved ends with people (`whenRoundsAreOver`), whatever else is red.
    if (proof) return proofRounds(task) < LIMITS.proofRounds ? [{ rework: { why: 'proof', proof } }] : []
    const found = criticised(task)
    if (found) return [{ rework: { why: 'critique', headSha: found.headSha, text: findingsText(found.findings) } }]
    const broken = brokenChecks(task)
    if (broken.length === 0 || checkRounds(task).length >= LIMITS.checkRounds) return []
    const name = broken.map((one) => one.name).join(', ')
    return [{ rework: { why: 'check', name, headSha: task.headSha ?? '', text: checkText(task, broken) } }]
  },
})

/** A look at a change of high risk by fresh eyes, once, before it is proved. */
export const critique = defineStep({
  kind: 'critique',
  role: 'qa',
  name: 'Second look',
  phase: { name: 'Second look', countsRounds: false },
  needs: ['build', 'join'],
  costs: true,
  wanted: (task) => onceWhen(task, 'critique', isRisky(task) && isPushed(task) && lastWork(task)?.status === 'done'),
})

function isRisky({ spec }: Task): boolean {
  return spec?.risk === 'high'
}

function isPushed(task: Task): boolean {
  return task.headSha !== undefined && task.pullRequest !== undefined && !task.merged && !workUnderWay(task)
}

/** What was found of this head, until SD has been told of it. */
function criticised(task: Task): Reviewed | undefined {
  const found = task.reviews?.at(-1)
  const isTold = workSteps(task).some((step) => step.rework?.why === 'critique')
  if (!found || found.headSha !== task.headSha || found.findings.length === 0) return undefined
  const isOpen = lastWork(task)?.kind === 'critique'
  return isOpen && !isTold && !workUnderWay(task) && !task.merged ? found : undefined
}

function findingsText(findings: readonly Kept[]): string {
  return findings
    .map(({ path, from, title, detail, suggestion, test, evidence }) => {
      const shown = test && evidence ? `\n\nThis test (${test.path}) fails because of it:\n${test.content}` : ''
      return `${path}:${from}: ${title}\n${detail}${suggestion ? `\nSuggested: ${suggestion}` : ''}${shown}`
    })
    .join('\n\n')
}

/** Why checks of the team's own CI failed: only what the change broke is worked on. */
export const triage = defineStep({
  kind: 'triage',
  role: 'qa',
  name: 'Failed checks',
  phase: { name: 'Checks', countsRounds: true },
  needs: ['prove'],
  costs: true,
  wanted: (task) => (redChecks(task).length > 0 ? [{}] : []),
})

/** Every new head of the pull request is proved once. */
export const prove = defineStep({
  kind: 'prove',
  role: 'qa',
  name: 'Proof',
  phase: { name: 'Proof', countsRounds: true },
  needs: ['build', 'join', 'rework'],
  costs: true,
  wanted(task): readonly Instance[] {
    if (!task.headSha || !task.pullRequest || task.merged) return []
    const proved = task.proofs.some((proof) => proof.headSha === task.headSha)
    const isLookedAt = !isRisky(task) || task.steps.some(({ kind }) => kind === 'critique')
    const isOver = !workUnderWay(task) && lastWork(task)?.status === 'done' && criticised(task) === undefined
    return proved || !isLookedAt || !isOver ? [] : [{}]
  },
  when: (task) => task.headSha !== undefined && task.pullRequest !== undefined,
})

/** The proof of the head that failed, until something was done about it. */
function unproved(task: Task) {
  const proof = task.proofs.at(-1)
  const last = lastWork(task)
  const isOpen =
    proof !== undefined &&
    !mayBeReviewed(proof.verdict) &&
    proof.headSha === task.headSha &&
    last?.kind === 'prove' &&
    last.status === 'done' &&
    !task.merged
  return isOpen ? proof : undefined
}

function proofRounds(task: Task): number {
  return workSteps(task).filter((step) => step.rework?.why === 'proof').length
}

/** Failed checks of somebody else's, once the head that they failed on is not being worked on any more. */
function redChecks(task: Task) {
  // What is not proved is worked on anyway, whatever else is red.
  const isProved = task.proofs.some((proof) => proof.headSha === task.headSha && mayBeReviewed(proof.verdict))
  if (task.merged || workUnderWay(task) || !isProved || isTaken(task) || isStuck(task)) return []
  return unjudged(task.failedChecks, task.judgedChecks ?? [], task.headSha)
}

/** The last of what changes or proves: looking into checks does neither. */
function lastWork(task: Task) {
  return workSteps(task).findLast(({ kind }) => kind !== 'triage')
}

/** Looking into them failed: it is tried again when somebody says so, or there is a new head. */
function isStuck(task: Task): boolean {
  const last = workSteps(task).at(-1)
  return last?.kind === 'triage' && last.status === 'failed'
}

/** Whether SD was at work already for a check that failed on this head. */
function isTaken(task: Task): boolean {
  return checkRounds(task).some((step) => step.rework?.why === 'check' && step.rework.headSha === task.headSha)
}

/** Checks that the change itself broke. */
function brokenChecks(task: Task): JudgedCheck[] {
  if (task.merged || workUnderWay(task) || isTaken(task)) return []
  return (task.judgedChecks ?? []).filter(({ cause, headSha }) => cause === 'ours' && headSha === task.headSha)
}

/** What SD is told of them. */
function checkText(task: Task, broken: readonly JudgedCheck[]): string {
  return broken
    .map(({ name, runId, evidence, reproduced }) => {
      const said = task.failedChecks.find((one) => one.name === name && one.runId === runId)?.text ?? ''
      const run = reproduced
        ? `\n\nIt fails here as well, and passes without the change:\n$ ${reproduced.command}\n${reproduced.output}`
        : ''
      return `${name}\n\nQA says: ${evidence}${run}\n\n${said}`
    })
    .join('\n\n')
}

function checkRounds(task: Task) {
  return workSteps(task).filter((step) => step.rework?.why === 'check')
}

/** Tried often enough: people take over. */
export function whenRoundsAreOver(task: Task): TaskEvent[] {
  const proof = unproved(task)
  const rounds = proofRounds(task)
  if (proof)
    return rounds < LIMITS.proofRounds
      ? []
      : [
          {
            type: 'task.handed_off',
            reason: `not proved after ${rounds + 1} attempts: ${proof.verdict.reasons.join('; ')}`,
          },
        ]
  const [check] = brokenChecks(task)
  const checked = checkRounds(task).length
  return check && checked >= LIMITS.checkRounds
    ? [{ type: 'task.handed_off', reason: `the check ${check.name} still fails after ${checked} rounds` }]
    : []
}

/** What people do with a pull request. */
export function reviewRows({ pullRequest, review, merged }: Task): PeopleRow[] {
  const state = merged ? 'done' : pullRequest?.draft === false ? 'waiting' : 'ahead'
  const { length } = review.ledger
  const open = review.ledger.filter((entry) => entry.outcome === 'open').length
  const what = length > 0 ? `Review (${length - open} of ${length} comments answered)` : 'Review'
  return [
    { id: 'review', what, phase: 'Review', state },
    { id: 'merge', what: 'Merge', phase: 'Merge', state },
  ]
}
