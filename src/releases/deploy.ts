import type { Deployed, ReleasePlan } from '../core/artefacts.ts'
import { causesOf, publicMessage, UserError } from '../core/errors.ts'
import { type GateResult, holdsUpOthers, verdictOf } from '../core/environments/gates.ts'
import { environmentKey } from '../core/environments/types.ts'
import { hashOf } from '../core/hash.ts'
import { deployApprovals, isApprovalExpired } from '../core/policy.ts'
import { gatedLine } from '../core/reply/turn.ts'
import type { Release, Task } from '../core/task/types.ts'
import { Lost } from '../leases/types.ts'
import { Fenced } from '../store/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { alone, type Held } from './alone.ts'
import { environmentOf, gatesNow, relate } from './plan.ts'
import type { DeployResult, Environment, ReleaseDeps, RestoreInput, Target } from './types.ts'

/** A deploy is at most once: what cannot be told is never simply tried again. */
const UNKNOWN_OUTCOME =
  'nobody can tell whether this deploy took place; please look at the environment, then say deploy again for a new plan'
const BROKEN_TOO = 'it serves, and does not answer its health check; a person has to look'
const AGAIN = 'say deploy again for a new plan'
/** How often gates that may open by themselves are asked again, and for how long they are waited for at the environment's expense. */
const GATES_MS = { again: 20_000, longest: 30 * 60_000 } as const

/** The key of a deploy: one per release of a task, whatever is restarted in between. */
export function releaseId(task: Task, release: Release): string {
  return `${task.id}-${release.index}`
}

/** Deploys what was approved, while nobody else deploys there. @param mayAct throws when somebody else may be at the step by now */
export async function deploy(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  signal: AbortSignal,
  mayAct: () => void,
): Promise<DeployResult> {
  const environment = environmentOf(task, release.environment)
  const key = environmentKey(task.origin.repository, environment.name)
  return alone(deps, key, { signal, mayAct }, (held) => underway(deps, task, release, environment, held))
}

async function underway(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  environment: Environment,
  held: Held,
): Promise<DeployResult> {
  const target = deps.targets.of(environment.settings.target)
  const approved = release.plan
  if (!approved || deployApprovals(task, approved).length === 0) throw new Error('this deploy was approved by nobody')
  const id = releaseId(task, release)
  const base = { environment: environment.name, sha: approved.sha, url: target.url(environment), releaseId: id }
  // What is replaced: by now that may be another than when the plan was made.
  const live = await target.current(environment)
  const previousSha = live === approved.sha ? await liveBefore(deps, task, environment, approved) : live
  const percent = shareOf(approved, previousSha)
  const ended = (error: string | undefined, more: Partial<Deployed> = {}): DeployResult => ({
    kind: 'deployed',
    deployed: { ...base, previousSha, ok: error === undefined, log: '', error, ...(percent && { percent }), ...more },
  })
  const applying = { target, environment, id, percent, awaits: release.awaits }
  const observed = await target.observe(id)
  if (observed.state === 'live') return ended(undefined)
  if (observed.state === 'unknown') return ended(UNKNOWN_OUTCOME, { log: await target.log(id) })
  if (observed.state === 'failed') return ended(observed.error, { log: await target.log(id) })
  // Put back by a process that ended right afterwards.
  if (approved.restores && live === approved.sha)
    return ended((await target.probe(environment)) ? undefined : BROKEN_TOO)
  // What goes on by itself is neither planned anew nor held up: it is waited for. So is what people see of it already, where a process
  // ended right before that was written down.
  const isVisible = observed.state === 'unfinished' && live === approved.sha && approved.liveSha !== approved.sha
  if (observed.state === 'begun' || isVisible) {
    const failed = await applied(deps, task, approved, applying, held)
    return failed === undefined ? ended(undefined) : ended(failed, { log: await target.log(id) })
  }
  const stale = await staleness(deps, task, approved, environment, live)
  if (stale) return ended(stale.error, { isStale: stale.isStale })
  const gates = await gatesNow(deps, task, release, approved.sha)
  const shut = gatesHeld(deps, task, release, gates)
  if (shut) return shut.kind === 'gated' ? shut : ended(shut.error, { gates })
  crashPoint('deploy-started')
  const error = await applied(deps, task, approved, applying, held)
  return error === undefined ? ended(undefined, { gates }) : ended(error, { gates, log: await target.log(id) })
}

/** As the environment has it: whoever went live and ended right afterwards finds itself live. */
async function liveBefore(
  { environments }: ReleaseDeps,
  task: Task,
  { name }: Environment,
  { sha, liveSha }: ReleasePlan,
): Promise<string | undefined> {
  const { live } = (await environments.load(environmentKey(task.origin.repository, name)))?.state ?? {}
  return live && live.sha !== sha ? live.sha : liveSha
}

/** Why what was approved does not hold any more. `isStale`: it is planned anew by itself, and asked about. */
async function staleness(
  deps: ReleaseDeps,
  task: Task,
  approved: ReleasePlan,
  environment: Environment,
  live: string | undefined,
): Promise<{ readonly error: string; readonly isStale: boolean } | undefined> {
  // The settings as they are now: a policy counts from when it is there, for what was approved before as well.
  const settings = (await deps.settings(task.origin.repository)).environments[environment.name]
  if (!settings) return { error: `there is no environment ${environment.name} any more`, isStale: false }
  if (hashOf(settings) !== approved.policy && approved.policy !== undefined)
    return {
      error: 'the settings of this environment have changed since the plan was approved; a new plan follows',
      isStale: true,
    }
  if (isApprovalExpired(task, approved, deps.now()))
    return { error: 'the approval is more than four hours old; a new plan follows', isStale: true }
  if (approved.branch !== undefined && !(await isOnBranch(deps, task, approved)))
    return {
      error: `the branch ${approved.branch} does not have \`${approved.sha.slice(0, 7)}\` any more; ${AGAIN}`,
      isStale: false,
    }
  if (await stillHolds(deps, task, approved, live)) return undefined
  const now = live?.slice(0, 7) ?? 'nothing'
  return {
    error: `what is live has changed since the plan was approved (now ${now}); a new plan follows`,
    isStale: true,
  }
}

/** It may have been merged meanwhile; where its branch is gone, or begins elsewhere by now, nobody stands by it. */
async function isOnBranch({ git }: ReleaseDeps, { origin }: Task, { sha, branch }: ReleasePlan): Promise<boolean> {
  const branches = await git.branchesWith(origin.repository, sha)
  return branches.some((one) => one === branch || one === origin.repository.defaultBranch)
}

/**
 * Whether a plan is still what was approved, though something else is live by now: what was live then was only added to, and what is
 * to be deployed only adds to that. Then nothing is taken back, and nothing comes that was not shown.
 */
async function stillHolds(
  deps: ReleaseDeps,
  task: Task,
  { sha, liveSha, relation }: ReleasePlan,
  live: string | undefined,
): Promise<boolean> {
  if (live === liveSha) return true
  if (!live || !liveSha || relation !== 'ahead') return false
  const { repository } = task.origin
  const wasAddedTo = (await relate(deps, repository, liveSha, live)) === 'ahead'
  return wasAddedTo && (await relate(deps, repository, live, sha)) === 'ahead'
}

type Shut = Extract<DeployResult, { kind: 'gated' }> | { readonly kind: 'closed'; readonly error: string }

/** Undefined where every gate is open. */
function gatesHeld(deps: ReleaseDeps, task: Task, release: Release, gates: readonly GateResult[]): Shut | undefined {
  const verdict = verdictOf(gates)
  if (verdict === 'pass') return undefined
  const step = task.steps.find((one) => one.kind === 'deploy' && one.release === release.index)
  const since = step?.startedAt ?? deps.now()
  if (verdict === 'wait' && (!holdsUpOthers(gates) || deps.now() - since < GATES_MS.longest))
    return { kind: 'gated', gates, until: deps.now() + GATES_MS.again }
  const waited = verdict === 'wait' ? 'this was waited for in vain: ' : ''
  return { kind: 'closed', error: `${waited}${gatedLine(gates)}; ${AGAIN}` }
}

async function restored(target: Target, input: RestoreInput): Promise<undefined> {
  if (!target.restore) throw new UserError('nothing_kept', 'This target puts nothing back.')
  await target.restore(input)
}

/** Percent of the requests that it is given at first; undefined: all, as where there is nothing that could have the rest. */
function shareOf({ sha, canary, restores }: ReleasePlan, live: string | undefined): number | undefined {
  return restores || live === undefined || live === sha ? undefined : canary?.steps[0]
}

interface Applying {
  readonly target: Target
  readonly environment: Environment
  readonly id: string
  readonly percent: number | undefined
  readonly awaits: Release['awaits']
}

/** @returns what went wrong, for people */
async function applied(
  deps: ReleaseDeps,
  task: Task,
  { sha, restores }: ReleasePlan,
  { target, environment, id, percent, awaits }: Applying,
  { signal, mayAct, fence }: Held,
): Promise<string | undefined> {
  mayAct()
  try {
    if (restores) return await restored(target, { environment, releaseId: restores, signal, mayAct, fence })
    await target.apply({
      environment,
      releaseId: id,
      taskId: task.id,
      sha,
      signal,
      mayAct,
      fence,
      percent,
      awaits,
      tools: (commands) => deps.tools(task, sha, commands),
      unpack: (dir) => deps.git.archive(task.origin.repository, sha, dir, task.settings.checks.submodules),
    })
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    mayAct()
    // Whoever has it by now goes on.
    if (error instanceof Lost || error instanceof Fenced) throw error
    deps.log('deploy failed', { release: id, error: causesOf(error) })
    return publicMessage(error).replace(/\.$/, '')
  }
}
