import { approvalFor } from '../policy.ts'
import { isActive, workUnderWay } from '../task/steps.ts'
import type { Release, StepKind, Task, TaskEvent } from '../task/types.ts'
import { defineStep, type GateDefinition, type Instance, NOBODY, type Stage } from './define.ts'

/** How something is released. */

const RELEASE = { name: 'Release', countsRounds: false } as const
const KINDS = ['release_plan', 'deploy', 'watch'] as const

/** The release that is under way. What came of an earlier one is settled: a later one is asked for only then. */
function current({ releases }: Task): Release | undefined {
  const last = releases.at(-1)
  return last && !last.report && last.deployed?.ok !== false ? last : undefined
}

function isApproved(task: Task, { plan }: Release): boolean {
  return plan !== undefined && approvalFor(task, 'deploy', plan.hash, plan.sha) !== undefined
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
  wanted: (task) => ofRelease(task, 'release_plan', ({ plan, deployed }) => !plan && !deployed),
})

/** A deploy needs a plan, an approval of exactly that plan and SHA, and the platform's record of it. */
export const deploy = defineStep({
  kind: 'deploy',
  role: 'sre',
  name: 'Deploy',
  phase: RELEASE,
  needs: ['release_plan'],
  costs: false,
  wanted: (task) =>
    ofRelease(task, 'deploy', (one) => !one.deployed && isApproved(task, one) && one.deploymentId !== undefined),
  when(task, step) {
    const release = task.releases.find(({ index }) => index === step.release)
    return release?.deploymentId !== undefined && isApproved(task, release)
  },
})

export const watch = defineStep({
  kind: 'watch',
  role: 'sre',
  name: 'Watch',
  phase: RELEASE,
  needs: ['deploy'],
  costs: false,
  wanted: (task) => ofRelease(task, 'watch', ({ deployed }) => deployed !== undefined),
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

/** After the merge: automatic deploys, or the end, from which `deploy <env>` goes on. */
export function whenMerged(task: Task): TaskEvent[] {
  if (!task.merged || current(task)) return []
  const { by } = task.merged
  const mayGo = task.origin.pull?.head === undefined
  const auto = Object.entries(mayGo ? task.settings.environments : {}).find(
    ([name, env]) => env.auto && !task.releases.some((release) => release.environment === name),
  )
  if (auto) return [{ type: 'release.requested', environment: auto[0], ref: undefined, by }]
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
  return last.report
    ? `deployed to ${last.environment}: ${last.report.verdict}`
    : `the deploy to ${last.environment} failed; ${last.deployed?.previousSha ? 'the previous release keeps serving' : 'nothing is live there'}`
}

/** Whether what was released last serves, or nothing was to be. */
export function isLive({ releases }: Task): boolean {
  const last = releases.at(-1)
  return last === undefined || last.deployed?.ok === true
}

export const RELEASE_STAGE: Stage = { steps: KINDS, ahead: () => KINDS, people: NOBODY }

/** After a change: where there is somewhere to deploy to, and it is not over without. */
export const RELEASE_AFTER: Stage = {
  ...RELEASE_STAGE,
  ahead(task) {
    const isReleased = task.steps.some(({ release }) => release !== undefined)
    return Object.keys(task.settings.environments).length > 0 && (isActive(task) || isReleased) ? KINDS : []
  },
}
