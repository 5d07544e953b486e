import type { ReleasePlan } from '../core/artefacts.ts'
import { UserError } from '../core/errors.ts'
import { gatesOf, type GateResult, OPEN_POLICY, type Policy, teamsIn, verdictOf } from '../core/environments/gates.ts'
import { environmentKey } from '../core/environments/types.ts'
import { hashOf } from '../core/hash.ts'
import type { Release, Repository, Task } from '../core/task/types.ts'
import { targetTitle } from './registry.ts'
import type { Environment, ReleaseDeps } from './types.ts'

const MAX_COMMITS = 250

/** An environment of a task's repository, as its settings have it. @throws UserError where there is none of that name any more */
export function environmentOf({ settings, origin }: Task, name: string): Environment {
  const found = Object.hasOwn(settings.environments, name) ? settings.environments[name] : undefined
  if (!found) throw new UserError('unknown_environment', `There is no environment \`${name}\` any more.`)
  const { repository } = origin
  return { repository: `${repository.owner}/${repository.name}`, name, settings: found }
}

/** What would be deployed, and what the gates say to it now. @throws UserError where it cannot be, or a gate is closed for good */
export async function plan(deps: ReleaseDeps, task: Task, release: Release): Promise<ReleasePlan> {
  const { git } = deps
  const { repository } = task.origin
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const main = await git.resolve(repository, repository.defaultBranch)
  const sha = release.ref ? await git.resolve(repository, release.ref) : (task.merged?.sha ?? main)
  if (!(await git.isAncestor(repository, sha, main))) {
    throw new UserError(
      'not_on_default_branch',
      `\`${sha.slice(0, 7)}\` is not on \`${repository.defaultBranch}\`; only merged work is deployed.`,
    )
  }
  const gates = await gatesNow(deps, task, release, sha)
  if (verdictOf(gates) === 'block') throw blocked(environment.name, gates)
  const liveSha = await target.current(environment)
  const relation = await relate(deps, repository, liveSha, sha)
  const { watchSeconds, approval, policy = OPEN_POLICY } = environment.settings
  const body = {
    environment: release.environment,
    target: targetTitle(environment.settings.target),
    sha,
    tree: await git.treeOf(repository, sha),
    liveSha,
    commits: await commitsOf(deps, repository, liveSha, sha, relation),
    relation,
    url: target.url(environment),
    watchSeconds,
    approval,
    approvals: policy.approvals,
    approvers: policy.approvers,
    policy: hashOf(environment.settings),
    gates,
  }
  return { ...body, hash: releaseHash(task, release, environment, body) }
}

/** Approval binds to all of this: the plan, the settings whose commands will run, and this very request for a deploy. */
export function releaseHash(
  task: Task,
  release: Release,
  { settings }: Environment,
  plan: Omit<ReleasePlan, 'hash'>,
): string {
  return hashOf({ plan, settings, task: task.id, release: release.index })
}

export function blocked(environment: string, gates: readonly GateResult[]): UserError {
  const closed = gates.filter(({ decision }) => decision === 'block').map(({ evidence }) => evidence)
  return new UserError('gate_closed', `Nothing may be deployed to \`${environment}\` now: ${closed.join('; ')}.`)
}

/** What every gate says now, asked live. */
export async function gatesNow(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  sha: string,
): Promise<readonly GateResult[]> {
  const { repository } = task.origin
  const { policy = OPEN_POLICY } = environmentOf(task, release.environment).settings
  return gatesOf(policy, {
    sha,
    requester: await requesterOf(deps, repository, release, policy),
    checks: policy.checks.length > 0 ? await checksOf(deps, repository, sha) : [],
    before: policy.after ? (await deps.environments.load(environmentKey(repository, policy.after)))?.state : undefined,
    now: deps.now(),
  })
}

/** Whoever asked for it; nobody, where write permission is all that is wanted (that was asked when they said so), or the settings deploy. */
async function requesterOf(
  { facts }: ReleaseDeps,
  repository: Repository,
  { requester, isAuto }: Release,
  policy: Policy,
) {
  return isAuto || policy.deployers.includes('write')
    ? undefined
    : facts.standing(repository, requester, teamsIn(policy))
}

/** What cannot be read lets nothing through: the gate waits. */
async function checksOf({ facts, log }: ReleaseDeps, repository: Repository, sha: string) {
  return facts.checks(repository, sha).catch((error: unknown) => {
    log('the checks of a commit could not be read', { sha, error: String(error) })
    return undefined
  })
}

/** How a commit relates to what is live. */
export async function relate(
  { git }: Pick<ReleaseDeps, 'git'>,
  repository: Repository,
  live: string | undefined,
  sha: string,
): Promise<ReleasePlan['relation']> {
  if (!live) return 'first'
  if (live === sha) return 'same'
  try {
    if (await git.isAncestor(repository, live, sha)) return 'ahead'
    return (await git.isAncestor(repository, sha, live)) ? 'behind' : 'diverged'
  } catch {
    return 'unknown'
  }
}

async function commitsOf(
  { git }: ReleaseDeps,
  repository: Repository,
  live: string | undefined,
  sha: string,
  relation: ReleasePlan['relation'],
): Promise<ReleasePlan['commits']> {
  if (relation === 'same') return []
  if (relation === 'ahead' || relation === 'diverged') return git.log(repository, live, sha, MAX_COMMITS)
  return git.log(repository, undefined, sha, 1)
}
