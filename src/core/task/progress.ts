import { IS_USABLE } from '../baseline.ts'
import { approvalFor, planNeedsPerson } from '../policy.ts'
import { mayBeReviewed } from '../proof.ts'
import { isQuestion } from '../unclear.ts'
import { asksPeople, isActive, newStep, workSteps, workUnderWay } from './steps.ts'
import { LIMITS, type Release, type Step, type Task, type TaskEvent, type WorkflowName } from './types.ts'

/** The workflow: what follows by itself from a state. Called until nothing follows any more. */
export function progress(task: Task): TaskEvent[] {
  if (!isActive(task) || task.gate) return []
  for (const rule of [planning, planGate, building, proving, notProved, redChecks, releasing, merged, answered]) {
    const events = rule(task)
    if (events.length > 0) return events
  }
  return []
}

function find(task: Task, kind: Step['kind']): Step | undefined {
  return task.steps.find((step) => step.kind === kind)
}

/** How each workflow begins; a deploy without a spec. */
const BEGINNINGS: Readonly<Record<WorkflowName, ((task: Task) => TaskEvent[]) | undefined>> = {
  change: beforePlanning,
  question: (task) => [specStep(task)],
  deploy: undefined,
}

/** @throws for a workflow of a newer version: to go on with it as with another would be wrong */
function beginningOf({ workflow }: Task): ((task: Task) => TaskEvent[]) | undefined {
  if (!Object.hasOwn(BEGINNINGS, workflow)) throw new Error(`the workflow ${workflow} is not known to this version`)
  return BEGINNINGS[workflow]
}

/** PM first; then questions to people, or SA (who answers, where a question was asked). */
function planning(task: Task): TaskEvent[] {
  const begin = beginningOf(task)
  if (!begin) return []
  const spec = find(task, 'spec')
  if (!spec) return isQuestion(task.origin.request) ? [specStep(task)] : begin(task)
  if (spec.status !== 'done' || !task.spec) return []
  if (asksPeople(task)) {
    return [{ type: 'gate.opened', gate: { kind: 'question', questions: task.spec.questions } }]
  }
  const next = task.spec.kind === 'question' || task.workflow === 'question' ? 'answer' : 'design'
  const tests = next === 'design' && !find(task, next) && isQuestion(task.origin.request) ? testsFirst(task) : undefined
  if (tests) return tests
  return find(task, next) ? [] : [{ type: 'step.added', step: newStep(task, next, 'sa', { needs: [spec.id] }) }]
}

/** The tests as they are come before the first dollar; where they cannot be run, people are asked whether to go on. */
function beforePlanning(task: Task): TaskEvent[] {
  return testsFirst(task) ?? [specStep(task, find(task, 'baseline'))]
}

/** What is to be done about the tests before the work goes on; undefined: nothing. An answer needs none of them. */
function testsFirst(task: Task): TaskEvent[] | undefined {
  const { baseline } = task
  const step = find(task, 'baseline')
  if (!step) return [{ type: 'step.added', step: newStep(task, 'baseline', 'qa') }]
  if (step.status !== 'done' || !baseline) return []
  if (IS_USABLE[baseline.found] || baseline.accepted) return undefined
  return [{ type: 'gate.opened', gate: { kind: 'baseline', attempt: step.attempt } }]
}

function specStep(task: Task, after?: Step): TaskEvent {
  return { type: 'step.added', step: newStep(task, 'spec', 'pm', after ? { needs: [after.id] } : {}) }
}

function planGate(task: Task): TaskEvent[] {
  if (!task.planHash || !task.spec || find(task, 'build') || find(task, 'design')?.status !== 'done') return []
  if (approvalFor(task, 'plan', task.planHash)) return []
  const ruling = planNeedsPerson(task.settings.approvePlan, task.spec.risk, task.forcePlanGate)
  return ruling.ok
    ? [{ type: 'gate.opened', gate: { kind: 'plan', hash: task.planHash, reason: ruling.detail, ...amended(task) } }]
    : [{ type: 'gate.approved', gate: 'plan', hash: task.planHash, sha: undefined, by: 'settings' }]
}

/** Written again because people said something about the first: an approval of that may still be under way. */
function amended(task: Task): { amended?: true } {
  return (find(task, 'design')?.attempt ?? 0) > 1 && task.notes.length > 0 ? { amended: true } : {}
}

function building(task: Task): TaskEvent[] {
  if (!task.planHash || find(task, 'build') || !approvalFor(task, 'plan', task.planHash)) return []
  return [{ type: 'step.added', step: newStep(task, 'build', 'sd', { needs: ['design'] }) }]
}

/** Every new head of the pull request is proved once. */
function proving(task: Task): TaskEvent[] {
  if (!task.headSha || !task.pullRequest || task.merged) return []
  const proved = task.proofs.some((proof) => proof.headSha === task.headSha)
  const last = workSteps(task).at(-1)
  if (proved || workUnderWay(task) || last?.status !== 'done') return []
  return [{ type: 'step.added', step: newStep(task, 'prove', 'qa') }]
}

/** Not proved: back to SD with the evidence, a limited number of times, then to people. */
function notProved(task: Task): TaskEvent[] {
  const proof = task.proofs.at(-1)
  const last = workSteps(task).at(-1)
  if (
    !proof ||
    mayBeReviewed(proof.verdict) ||
    proof.headSha !== task.headSha ||
    last?.kind !== 'prove' ||
    last.status !== 'done' ||
    task.merged
  )
    return []
  const rounds = workSteps(task).filter((step) => step.rework?.why === 'proof').length
  if (rounds >= LIMITS.proofRounds) {
    return [
      {
        type: 'task.handed_off',
        reason: `not proved after ${rounds + 1} attempts: ${proof.verdict.reasons.join('; ')}`,
      },
    ]
  }
  return [{ type: 'step.added', step: newStep(task, 'rework', 'sd', { rework: { why: 'proof', proof } }) }]
}

/** A failed check of somebody else's goes to SD, once the head it failed on is not being worked on any more. */
function redChecks(task: Task): TaskEvent[] {
  const rounds = workSteps(task).filter((step) => step.rework?.why === 'check')
  const check = task.failedChecks.find((one) => one.headSha === task.headSha)
  const taken = rounds.some((step) => step.rework?.why === 'check' && step.rework.headSha === task.headSha)
  if (
    !check ||
    taken ||
    task.merged ||
    workUnderWay(task) ||
    !task.proofs.some((proof) => proof.headSha === task.headSha)
  )
    return []
  if (rounds.length >= LIMITS.checkRounds)
    return [{ type: 'task.handed_off', reason: `the check ${check.name} still fails after ${rounds.length} rounds` }]
  return [{ type: 'step.added', step: newStep(task, 'rework', 'sd', { rework: { why: 'check', ...check } }) }]
}

function releasing(task: Task): TaskEvent[] {
  return task.releases.flatMap((release) => releaseStep(task, release)).slice(0, 1)
}

function releaseStep(task: Task, release: Release): TaskEvent[] {
  const has = (kind: Step['kind']) => task.steps.some((step) => step.kind === kind && step.release === release.index)
  const add = (kind: Step['kind']): TaskEvent[] =>
    has(kind) ? [] : [{ type: 'step.added', step: newStep(task, kind, 'sre', { release: release.index }) }]
  // What came of an earlier one is settled: a later one is asked for only then.
  if (release.index !== task.releases.length || release.report || release.deployed?.ok === false) return []
  if (release.deployed) return add('watch')
  if (!release.plan) return add('release_plan')
  const { hash, sha, environment, approval } = release.plan
  if (approvalFor(task, 'deploy', hash, sha)) return release.deploymentId === undefined ? [] : add('deploy')
  return approval === 'none'
    ? [{ type: 'gate.approved', gate: 'deploy', hash, sha, by: 'settings' }]
    : [{ type: 'gate.opened', gate: { kind: 'deploy', hash, sha, environment } }]
}

/** After the merge: automatic deploys, or the end, from which `deploy <env>` goes on. */
function merged(task: Task): TaskEvent[] {
  if (!task.merged) return []
  const last = task.releases.at(-1)
  if (last && !last.report && last.deployed?.ok !== false) return []
  const { by } = task.merged
  const auto = Object.entries(task.settings.environments).find(
    ([name, env]) => env.auto && !task.releases.some((release) => release.environment === name),
  )
  if (auto) return [{ type: 'release.requested', environment: auto[0], ref: undefined, by }]
  return workUnderWay(task) ? [] : [{ type: 'task.finished', outcome: releaseOutcome(task) ?? 'merged' }]
}

function releaseOutcome(task: Task): string | undefined {
  const last = task.releases.at(-1)
  if (!last) return undefined
  return last.report
    ? `deployed to ${last.environment}: ${last.report.verdict}`
    : `the deploy to ${last.environment} failed; ${last.deployed?.previousSha ? 'the previous release keeps serving' : 'nothing is live there'}`
}

function answered(task: Task): TaskEvent[] {
  if (task.answer && find(task, 'answer')?.status === 'done') return [{ type: 'task.finished', outcome: 'answered' }]
  const outcome =
    task.workflow === 'deploy' && (task.releases.at(-1)?.report ?? task.releases.at(-1)?.deployed?.ok === false)
      ? releaseOutcome(task)
      : undefined
  return outcome ? [{ type: 'task.finished', outcome }] : []
}
