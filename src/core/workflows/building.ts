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

/** SD once more: what was not proved, or a failed check of somebody else's. A review begins it by its quiet time (`github.ts`). */
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
    const check = redCheck(task)
    return check && checkRounds(task).length < LIMITS.checkRounds ? [{ rework: { why: 'check', ...check } }] : []
  },
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
    return proved || workUnderWay(task) || workSteps(task).at(-1)?.status !== 'done' ? [] : [{}]
  },
  when: (task) => task.headSha !== undefined && task.pullRequest !== undefined,
})

/** The proof of the head that failed, until something was done about it. */
function unproved(task: Task) {
  const proof = task.proofs.at(-1)
  const last = workSteps(task).at(-1)
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

/** A failed check of somebody else's, once the head it failed on is not being worked on any more. */
function redCheck(task: Task) {
  const check = task.failedChecks.find((one) => one.headSha === task.headSha)
  const taken = checkRounds(task).some((step) => step.rework?.why === 'check' && step.rework.headSha === task.headSha)
  const isProved = task.proofs.some((proof) => proof.headSha === task.headSha)
  return taken || task.merged || workUnderWay(task) || !isProved ? undefined : check
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
  const check = redCheck(task)
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
