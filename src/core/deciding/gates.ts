import { moreUsd } from '../policy.ts'
import { noteReply, replanReply } from '../reply/answers.ts'
import { say } from '../reply/document.ts'
import { lateReply } from '../reply/late.ts'
import { needed } from '../reply/needed.ts'
import { accepted, type Decided, type PersonCommand, refused } from './commands.ts'
import { approveDeploy, isWithdrawable } from './deploys.ts'
import { approvables, designStep, firstGate, gateAt, isActive, isBegun, isPlanning, stepOf } from '../task/steps.ts'
import type { Approvable } from '../task/gate.ts'
import { type Gate, LIMITS, type Task, type TaskEvent } from '../task/types.ts'

/** What people decide at the gates: yes, no, something else, or go on. */

/** How much earlier than a task's first gate an approval may have been written, for clocks that differ. */
const CLOCK_TOLERANCE_MS = 120_000
/** GitHub tells when something was written in whole seconds. */
const RESOLUTION_MS = 1000

function nothingToContinue(task: Task): string {
  if (!isActive(task)) return `This task has ended (${task.status.replace('_', ' ')}); there is nothing to continue.`
  const { accepted: by } = task.baseline ?? {}
  if (by && !isBegun(task)) return `${by.login} has said so already: the work goes on without proof.`
  return 'Nothing waits to be continued: neither the budget nor the tests have stopped the work.'
}

/** The tests could not be run: once more, with the settings as they are by now. */
export function testAgain(task: Task, said: PersonCommand): Decided {
  const step = stepOf(task, 'baseline')
  return accepted('retry', [
    ...(said.settings ? [{ type: 'settings.read', settings: said.settings } as const] : []),
    { type: 'baseline.settled', how: 'again', by: said.by, from: said.from },
    ...(step ? [{ type: 'step.reset', step: step.id, by: said.by } as const] : []),
  ])
}

/** @param name the beginning of the hash or SHA that is meant, where it was said */
export function approve(task: Task, said: PersonCommand, name: string | undefined): Decided {
  const gate = meant(task, name)
  if (gate === 'several') return whichOne(task)
  if (!gate) return gateAt(task, 'baseline') ? nothingToApprove(task) : nothingWaits(task)
  const stale = staleness(task, gate, said, name)
  if (stale) return refused('stale_approval', stale)
  if (gate.kind === 'plan')
    return accepted('plan_approved', [
      { type: 'gate.approved', gate: 'plan', hash: gate.hash, sha: undefined, by: said.by, from: said.from },
    ])
  return approveDeploy(task, gate, said)
}

function nothingToApprove(task: Task): Decided {
  const me = `@${task.settings.mention}`
  return refused(
    'no_gate',
    `There is nothing to approve yet: the tests cannot be run. \`${me} continue\` goes on without proof, \`${me} retry\` runs them again, \`${me} cancel\` ends the work.`,
  )
}

/** What an approval or a rejection is about: the only thing that waits for one, or the one that is named. */
function meant(task: Task, name: string | undefined): Approvable | 'several' | undefined {
  const all = approvables(task)
  if (all.length <= 1) return all[0]
  const named = name ? all.filter((gate) => isCalled(gate, name)) : []
  return named.length === 1 ? named[0] : 'several'
}

function isCalled(gate: Approvable, name: string): boolean {
  return namesOf(gate).some((one) => one.startsWith(name))
}

function namesOf(gate: Approvable): readonly string[] {
  return gate.kind === 'deploy' ? [gate.hash, gate.sha] : [gate.hash]
}

function whichOne(task: Task): Decided {
  const detail = 'More than one thing waits for a decision. Say which one you mean, by the name behind the word.'
  return refused('which_gate', detail, [...noteReply(detail), ...needed(task)])
}

/** Whether it was said before what waits now, and may be meant for something else. Clocks differ, and the first thing that waits is meant by whatever comes. */
function isOlder({ baseline }: Task, gate: Gate, said: PersonCommand): boolean {
  return isEarlier(said, gate, baseline?.accepted ? RESOLUTION_MS : CLOCK_TOLERANCE_MS)
}

function isEarlier({ writtenAt, receivedAt }: PersonCommand, { openedAt }: Gate, tolerance: number): boolean {
  return receivedAt < openedAt || writtenAt + tolerance < openedAt
}

/** An approval counts only for what its author can have seen. */
function staleness(task: Task, gate: Approvable, said: PersonCommand, sha: string | undefined): string | undefined {
  const tolerance = isFirst(task, gate) ? CLOCK_TOLERANCE_MS : RESOLUTION_MS
  if (!(said.writtenAt > 0) || isEarlier(said, gate, tolerance)) {
    return 'That approval is older than what is waiting now; please look at it and approve again.'
  }
  if (gate.kind === 'plan' && gate.amended && !sha)
    return `There has been more than one plan. Look at the one that waits now, and say which you mean: \`@${task.settings.mention} approve ${gate.hash.slice(0, 12)}\`.`
  const current = gate.kind === 'deploy' ? gate.sha : gate.hash
  if (sha && !current.startsWith(sha) && !gate.hash.startsWith(sha))
    return `What is waiting is \`${current.slice(0, 12)}\`, not \`${sha.slice(0, 12)}\`; nothing was approved.`
  return undefined
}

/** Whether no earlier decision of this task could be meant. */
function isFirst({ approvals, releases }: Task, gate: Approvable): boolean {
  if (gate.kind === 'plan') return !gate.amended
  return releases.length <= 1 && approvals.every(({ by }) => by === 'settings')
}

/** @param name the beginning of the name of what is meant; else it may stand before the reason */
export function reject(task: Task, said: PersonCommand, text: string, name?: string): Decided {
  const [first = ''] = text.split(/\s/, 1)
  // What is no name of anything that waits is a word of the reason.
  const isNamed = /^[\da-f]{7,64}$/.test(first) && approvables(task).some((one) => isCalled(one, first))
  const gate = meant(task, name ?? (isNamed ? first : undefined))
  if (gate === 'several') return whichOne(task)
  if (!gate)
    return isWithdrawable(task, said.decidedAt ?? said.receivedAt) ? withdraw(task, said, text) : nothingWaits(task)
  const reason = isNamed ? text.slice(first.length).trim() : text
  return gate.kind === 'deploy' ? rejectDeploy(task, gate, said, reason) : rejectPlan(task, said, reason)
}

function rejectDeploy(
  task: Task,
  { environment }: Pick<Extract<Gate, { kind: 'deploy' }>, 'environment'>,
  said: PersonCommand,
  reason: string,
): Decided {
  const outcome = `the deploy to ${environment} was rejected${reason ? `: ${reason}` : ''}`
  return accepted(
    'deploy_rejected',
    [
      { type: 'gate.rejected', gate: 'deploy', by: said.by, reason, from: said.from },
      { type: 'task.finished', outcome },
    ],
    '',
    noteReply(`Rejected; nothing was deployed. \`@${task.settings.mention} deploy ${environment}\` asks for it again.`),
  )
}

/** What was approved and has not begun is not deployed after all. */
function withdraw(task: Task, said: PersonCommand, reason: string): Decided {
  const environment = task.releases.at(-1)?.environment ?? ''
  return rejectDeploy(task, { environment }, said, reason)
}

function rejectPlan(task: Task, said: PersonCommand, reason: string): Decided {
  const rejected: TaskEvent = { type: 'gate.rejected', gate: 'plan', by: said.by, reason, from: said.from }
  if ((designStep(task)?.attempt ?? 0) >= LIMITS.planRounds)
    return accepted('too_many_rounds', [
      rejected,
      { type: 'task.handed_off', reason: `the plan was rejected ${LIMITS.planRounds} times` },
    ])
  if (reason === '')
    return refused(
      'no_reason',
      `What should be different? Say \`@${task.settings.mention} reject <reason>\`: the plan is written again with it. \`@${task.settings.mention} cancel\` ends the work.`,
    )
  return accepted('plan_rejected', [rejected, ...replan(task, said)], '', replanReply(task))
}

function nothingWaits(task: Task): Decided {
  const detail = 'Nothing is waiting for an approval right now.'
  return refused('no_gate', detail, [...lateReply(task, say`${detail}`), ...needed(task)])
}

/** PM and SA write the plan again, with everything that was said since. */
export function replan(task: Task, said: PersonCommand): TaskEvent[] {
  return task.steps.filter(isPlanning).map((step) => ({ type: 'step.reset', step: step.id, by: said.by }))
}

export function goOn(task: Task, said: PersonCommand, usd: number | undefined): Decided {
  // With a sum the budget is meant, where it waits.
  const gate =
    (usd === undefined ? undefined : gateAt(task, 'budget')) ?? gateAt(task, 'baseline') ?? gateAt(task, 'budget')
  if (!gate) {
    const other = firstGate(task)
    return other && isOlder(task, other, said) ? older() : refused('no_gate', nothingToContinue(task))
  }
  if (isOlder(task, gate, said)) return older()
  const extended = (sum: number): TaskEvent => ({ type: 'budget.extended', usd: sum, by: said.by, from: said.from })
  return gate.kind === 'baseline'
    ? accepted('baseline_accepted', [
        { type: 'baseline.settled', how: 'accepted', by: said.by, from: said.from },
        ...(usd === undefined ? [] : [extended(usd)]),
      ])
    : accepted('budget_extended', [extended(usd ?? moreUsd(task))])
}

function older(): Decided {
  return refused('stale', 'That is older than what is waiting now; please look at it and say it again.')
}
