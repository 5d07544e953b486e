import { afterwards, rowOf, suspectsText } from '../bisect.ts'
import { isDeployApproved } from '../policy.ts'
import { isActive, isReleaseOver, isTakenBack, workUnderWay } from '../task/steps.ts'
import type { Release, StepKind, Task, TaskEvent } from '../task/types.ts'
import { defineStep, type GateDefinition, type Instance, NOBODY, type Stage } from './define.ts'

/** How something is released. */

const RELEASE = { name: 'Release', countsRounds: false } as const
const KINDS = ['release_plan', 'deploy', 'watch', 'rollback'] as const
const AHEAD = ['release_plan', 'deploy', 'watch'] as const

/** The release that is under way. What came of an earlier one is settled: a later one is asked for only then. */
function current({ releases }: Task): Release | undefined {
  const last = releases.at(-1)
  return last && !isReleaseOver(last) ? last : undefined
}

function isApproved(task: Task, { plan }: Release): boolean {
  return plan !== undefined && isDeployApproved(task, plan)
}

/** One of a kind for each release. */
function ofRelease(task: Task, kind: StepKind, isWanted: (release: Release) => boolean): readonly Instance[] {
  const release = current(task)
  if (!release || !isWanted(release)) return []
  const isThere = task.steps.some((step) => step.kind === kind && step.release === release.index)
  return isThere ? [] : [{ release: release.index }]
}

export const releasePlan = defineStep({
  kind: 'release_plan',
  role: 'sre',
  name: 'Release plan',
  phase: RELEASE,
  needs: [],
  costs: false,
  wanted: (task) => ofRelease(task, 'release_plan', ({ plan, deployed, bisected }) => !plan && !deployed && !bisected),
})

/** A deploy needs a plan, an approval of exactly that plan and SHA, the platform's record of it, and its turn on the environment. */
export const deploy = defineStep({
  kind: 'deploy',
  role: 'sre',
  name: 'Deploy',
  phase: RELEASE,
  needs: ['release_plan'],
  costs: false,
  wanted: (task) =>
    ofRelease(
      task,
      'deploy',
      (one) => !one.deployed && isApproved(task, one) && one.deploymentId !== undefined && one.turn?.state === 'given',
    ),
  when(task, step) {
    const release = task.releases.find(({ index }) => index === step.release)
    // One that was added before environments had turns goes on without.
    const isIts = release?.turn === undefined || release.turn.state === 'given'
    return release?.deploymentId !== undefined && isApproved(task, release) && isIts
  },
})

export const watch = defineStep({
  kind: 'watch',
  role: 'sre',
  name: 'Watch',
  phase: RELEASE,
  needs: ['deploy'],
  costs: false,
  wanted: (task) => ofRelease(task, 'watch', ({ deployed, recalledBy }) => deployed !== undefined && !recalledBy),
})

/** What got worse is taken back, while nobody else has the environment. */
export const rollback = defineStep({
  kind: 'rollback',
  role: 'sre',
  name: 'Take it back',
  phase: RELEASE,
  needs: ['watch'],
  costs: false,
  wanted: (task) => ofRelease(task, 'rollback', isTakenBack),
})

export const deployGate: GateDefinition = {
  kind: 'deploy',
  holds: 'release_plan',
  wanted(task) {
    const release = current(task)
    if (!release?.plan || release.deployed || isApproved(task, release)) return []
    const { hash, sha, environment, approval } = release.plan
    return approval === 'none'
      ? [{ type: 'gate.approved', gate: 'deploy', hash, sha, by: 'settings' }]
      : [{ type: 'gate.opened', gate: { kind: 'deploy', hash, sha, environment }, beside: true }]
  },
}

/** What is approved asks for its turn on the environment; tried again, it asks anew. */
export function whenApproved(task: Task): TaskEvent[] {
  const release = current(task)
  if (!release || release.deployed || !isApproved(task, release)) return []
  const step = task.steps.find(({ kind, release: index }) => kind === 'deploy' && index === release.index)
  const { turn } = release
  const asks = turn ? turn.state === 'over' && step?.status === 'pending' : !step
  return asks ? [{ type: 'release.entered', release: release.index, nth: (turn?.nth ?? 0) + 1 }] : []
}

/** What was approved did not hold any more when its turn came: the same commit is planned anew, and asked about. */
export function whenStale(task: Task): TaskEvent[] {
  const last = task.releases.at(-1)
  if (!last?.deployed?.isStale || !last.plan) return []
  const { environment, plan, requester: by, isAuto, goesBack, bisect, awaits } = last
  if (bisect) return [{ type: 'release.requested', environment, ref: undefined, by, bisect: plan.bisect ?? bisect }]
  const how = { ...(isAuto ? { isAuto } : {}), ...(goesBack ? { goesBack } : {}), ...(awaits ? { awaits } : {}) }
  // Whoever goes back goes to what was live right before by then.
  return [{ type: 'release.requested', environment, ref: goesBack ? last.ref : plan.sha, by, ...how }]
}

/** A release of a row that looks for a commit is over: the next one of it is asked for, or the row ends. */
export function whenTried(task: Task): TaskEvent[] {
  const last = task.releases.at(-1)
  if (!last?.bisect || last.bisected || current(task)) return []
  const then = afterwards(rowOf(task.releases, last.bisect.row))
  if (!then) return []
  if ('why' in then)
    return [{ type: 'release.bisected', release: last.index, bisected: { suspects: [], why: then.why } }]
  const { environment, requester: by } = last
  return [{ type: 'release.requested', environment, ref: undefined, by, bisect: then.next }]
}

/** What was asked for while another release was under way follows it. */
export function whenAwaited(task: Task): TaskEvent[] {
  const [first] = task.awaiting ?? []
  return first && !current(task) ? [{ type: 'release.requested', ...first }] : []
}

/** After the merge: automatic deploys, or the end, from which `deploy <env>` goes on. */
export function whenMerged(task: Task): TaskEvent[] {
  if (!task.merged || current(task)) return []
  const { by } = task.merged
  // What is live with another automatic release goes on with that, to whichever environment comes next.
  const isCarried = task.releases.some(({ deployed }) => deployed?.carriedBy !== undefined)
  const mayGo = task.origin.pull?.head === undefined && !isCarried
  const auto = Object.entries(mayGo ? task.settings.environments : {}).find(
    ([name, env]) => env.auto && !task.releases.some((release) => release.environment === name),
  )
  if (auto) return [{ type: 'release.requested', environment: auto[0], ref: undefined, by, isAuto: true }]
  return workUnderWay(task) ? [] : [{ type: 'task.finished', outcome: releaseOutcome(task) ?? 'merged' }]
}

/** Nothing else was asked for. */
export function whenReleased(task: Task): TaskEvent[] {
  const outcome = current(task) ? undefined : releaseOutcome(task)
  return outcome ? [{ type: 'task.finished', outcome }] : []
}

function releaseOutcome(task: Task): string | undefined {
  const last = task.releases.at(-1)
  if (!last) return undefined
  if (last.bisected) return `looked for what is worse: ${suspectsText(last.bisected)}`
  if (last.deployed?.carriedBy) return `live on ${last.environment} with ${last.deployed.carriedBy.slice(0, 7)}`
  if (last.recalledBy) return `deployed to ${last.environment}${wayBackText(last)}`
  return last.report
    ? `deployed to ${last.environment}: ${last.report.verdict}${wayBackText(last)}`
    : `the deploy to ${last.environment} failed; ${last.deployed?.previousSha ? 'the previous release keeps serving' : 'nothing is live there'}`
}

function wayBackText({ rolledBack }: Release): string {
  if (!rolledBack) return ''
  const to = rolledBack.to.slice(0, 7)
  return rolledBack.ok ? `, and taken back to ${to}` : `, and could not be taken back to ${to}`
}

/** Whether what was released last serves, or nothing was to be. */
export function isLive({ releases }: Task): boolean {
  // What was tried to find a commit says nothing of what was to be live.
  const last = releases.findLast(({ bisect }) => bisect === undefined)
  const { ok, carriedBy } = last?.deployed ?? {}
  return last === undefined || carriedBy !== undefined || (ok === true && !last.rolledBack)
}

export const RELEASE_STAGE: Stage = { steps: KINDS, ahead: () => AHEAD, people: NOBODY }

/** After a change: where there is somewhere to deploy to, and it is not over without. */
export const RELEASE_AFTER: Stage = {
  ...RELEASE_STAGE,
  ahead(task) {
    const isReleased = task.steps.some(({ release }) => release !== undefined)
    return Object.keys(task.settings.environments).length > 0 && (isActive(task) || isReleased) ? AHEAD : []
  },
}
