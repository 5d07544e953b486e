import type { ReleasePlan } from '../core/artefacts.ts'
import { matchesGlob } from 'node:path'
import { causesOf, messageOf, UserError } from '../core/errors.ts'
import {
  gatesOf,
  type GateResult,
  OPEN_POLICY,
  type Policy,
  shareLeft,
  teamsIn,
  verdictOf,
} from '../core/environments/gates.ts'
import { type InRange, inRange } from '../core/environments/range.ts'
import { environmentKey, type Quarantined } from '../core/environments/types.ts'
import { USUAL_MIGRATIONS, wayBackOf } from '../core/environments/wayback.ts'
import { hashOf } from '../core/hash.ts'
import { OWNERS_FILES, ownersOf } from '../core/owners.ts'
import { type Approver, OWNERS, type Who } from '../core/standing.ts'
import type { Release, Repository, Task } from '../core/task/types.ts'
import { bisectStep, isProduction } from './bisect.ts'
import { targetTitle } from './registry.ts'
import type { Environment, Planned, ReleaseDeps, Restorable, Target } from './types.ts'

const MAX_COMMITS = 250
const MAX_REMOVED = 50
const MAX_NAMED = 10
const MAX_SAID = 30
/** What is cut by whoever reads it is shorter. */
const MAX_OWNERS = 300_000
const PREFLIGHT_MS = 10 * 60_000

/** An environment of a task's repository, as its settings have it. @throws UserError where there is none of that name any more */
export function environmentOf({ settings, origin }: Task, name: string): Environment {
  const found = Object.hasOwn(settings.environments, name) ? settings.environments[name] : undefined
  if (!found) throw new UserError('unknown_environment', `There is no environment \`${name}\` any more.`)
  const { repository } = origin
  return { repository: `${repository.owner}/${repository.name}`, name, settings: found }
}

/** What would be deployed, and what the gates say to it now. @throws UserError where it cannot be, or a gate is closed for good */
export async function plan(deps: ReleaseDeps, known: Task, release: Release): Promise<Planned> {
  const { repository } = known.origin
  // As they are now: what was read when the task began may be days old.
  const task = { ...known, settings: await deps.settings(repository) }
  const environment = environmentOf(task, release.environment)
  if (release.isAuto && !environment.settings.auto)
    throw new UserError('not_automatic', `Nothing is deployed to \`${environment.name}\` by itself any more.`)
  const target = deps.targets.of(environment.settings.target)
  const kept = release.goesBack ? await wantedBack(deps, task, target, environment, release.ref) : undefined
  const looked = release.bisect && (await bisectStep(deps, repository, target, environment, release.bisect))
  if (looked && 'bisected' in looked) return { bisected: looked.bisected, settings: task.settings }
  const wanted = kept ?? looked ?? (await wantedSha(deps, task, release, environment))
  const { sha } = wanted
  const branch = 'branch' in wanted ? wanted.branch : undefined
  const gates = await gatesNow(deps, task, release, sha)
  if (verdictOf(gates) === 'block') throw blocked(environment.name, gates)
  const liveSha = await target.current(environment)
  const relation = await relate(deps, repository, liveSha, sha)
  const { watchSeconds, policy = OPEN_POLICY } = environment.settings
  // What was live right before comes back at once: it had been approved, and was live.
  await mustBeMeasured(deps, environment)
  const approval = kept && release.ref === undefined ? ('none' as const) : approvalOf(release, environment)
  const approvers = approval === 'none' ? [] : await approversOf(deps, task, environment, { liveSha, sha, relation })
  mustHaveApprover(approvers, approval, environment, release)
  const body = {
    environment: release.environment,
    target: targetTitle(environment.settings.target),
    sha,
    ...(branch === undefined ? {} : { branch }),
    ...(looked ? { bisect: looked.bisect } : {}),
    tree: await deps.git.treeOf(repository, sha),
    liveSha,
    commits: await commitsOf(deps, repository, liveSha, sha, relation),
    relation,
    url: target.url(environment),
    watchSeconds,
    ...(policy.canary && target.weigh && !kept && liveSha !== undefined && relation !== 'same'
      ? { canary: policy.canary }
      : {}),
    approval,
    approvals: policy.approvals,
    approvers,
    policy: hashOf(environment.settings),
    ...(await aroundOf(deps, task, environment, target, { liveSha, sha, relation }, release.goesBack === true)),
    ...(kept ? {} : await preflightOf(deps, task, target, environment, sha)),
    ...(kept ? { restores: kept.releaseId } : await mendedIn(deps, task, environment, { liveSha, sha })),
    gates,
  }
  return { plan: { ...body, hash: releaseHash(task, release, environment, body) }, settings: task.settings }
}

/** Whatever is tried where people are, somebody approves. */
function approvalOf({ bisect }: Release, environment: Environment): ReleasePlan['approval'] {
  const { approval } = environment.settings
  return bisect && approval === 'none' && isProduction(environment) ? 'other' : approval
}

/** Merged work alone is deployed, or what stands on a branch where the environment takes that. @throws UserError */
async function wantedSha(
  { git }: ReleaseDeps,
  task: Task,
  { ref }: Release,
  { name, settings }: Environment,
): Promise<{ readonly sha: string; readonly branch?: string | undefined }> {
  const { repository } = task.origin
  const main = await git.resolve(repository, repository.defaultBranch)
  const sha = ref ? await git.resolve(repository, ref) : (task.merged?.sha ?? main)
  if (await git.isAncestor(repository, sha, main)) return { sha }
  const branches = settings.policy?.branches ? await git.branchesWith(repository, sha) : []
  const branch = branches.find((one) => one === ref) ?? branches[0]
  if (branch !== undefined) return { sha, branch }
  throw new UserError(
    'not_on_default_branch',
    `\`${sha.slice(0, 7)}\` is not on \`${repository.defaultBranch}\`; only merged work is deployed to \`${name}\`.`,
    settings.policy?.branches
      ? { hint: 'A branch of this repository itself may be; no branch has that commit now.' }
      : { hint: '`branches: true` of an environment lets branches be deployed there before they are merged.' },
  )
}

/** What is kept of what was live: the newest, or the one that is named. @throws UserError where there is none */
async function wantedBack(
  { environments }: ReleaseDeps,
  task: Task,
  target: Target,
  environment: Environment,
  ref: string | undefined,
): Promise<Restorable> {
  const key = environmentKey(task.origin.repository, environment.name)
  const { quarantine = [], live: known } = (await environments.load(key))?.state ?? {}
  const isBad = (sha: string) => quarantine.some((one) => one.sha === sha)
  if (ref !== undefined && !/^[\da-f]{7,64}$/i.test(ref))
    throw new UserError('bad_argument', '`rollback <env> <sha>` wants seven digits of a commit at least.')
  const kept = (await target.restorable?.(environment)) ?? []
  const live = await target.current(environment)
  // Said twice, by two people, it goes back once.
  if (ref === undefined && known?.isBack && known.sha === live)
    throw new UserError('is_back', `\`${environment.name}\` was taken back to \`${live.slice(0, 7)}\` already.`, {
      hint: '`rollback <env> <sha>` goes back further.',
    })
  const found = kept.find(({ sha }) =>
    ref === undefined ? sha !== live && !isBad(sha) : sha.startsWith(ref.toLowerCase()),
  )
  if (found) return found
  const list = [...new Set(kept.map(({ sha }) => `\`${sha.slice(0, 7)}\``))].slice(0, 5).join(', ')
  throw new UserError(
    'nothing_kept',
    `No earlier release${ref ? ` \`${ref.slice(0, 40)}\`` : ''} of \`${environment.name}\` is kept.`,
    {
      hint: list === '' ? '`deploy <env> <sha>` deploys an earlier commit anew.' : `These are: ${list}.`,
    },
  )
}

/** Who may approve it: whoever owns what changes is found out now. @throws UserError where nobody does */
async function approversOf(
  { git }: ReleaseDeps,
  { origin: { repository } }: Task,
  { settings, name }: Environment,
  { liveSha, sha, relation }: Pick<ReleasePlan, 'liveSha' | 'sha' | 'relation'>,
): Promise<readonly Who[]> {
  const approvers: readonly Approver[] = (settings.policy ?? OPEN_POLICY).approvers
  const named = approvers.filter((one) => one !== OWNERS)
  if (named.length === approvers.length) return named
  // As they are now: who owned something once may be gone.
  const head = await git.resolve(repository, repository.defaultBranch)
  const texts = await Promise.all(OWNERS_FILES.map((path) => git.show(repository, head, path)))
  const text = texts.find((one) => one !== undefined) ?? ''
  if (text.length > MAX_OWNERS) throw new UserError('no_owners', 'CODEOWNERS is larger than is read.')
  if (relation === 'unknown' && named.length === 0)
    throw new UserError('no_owners', `What would change on \`${name}\` cannot be told, so nobody knows whose it is.`, {
      hint: '`approvers` may name others as well.',
    })
  const isCompared = liveSha !== undefined && relation !== 'same' && relation !== 'unknown'
  // Where there is nothing to compare with, all of it is new there.
  const files = isCompared
    ? await git.changedFiles(repository, liveSha, sha)
    : (await git.files(repository, sha)).map(({ path }) => path)
  const found = relation === 'unknown' ? named : [...new Set([...named, ...ownersOf(text, files)])]
  if (found.length > 0) return found
  throw new UserError('no_owners', `Nobody owns what changes on \`${name}\`, so nobody could approve it.`, {
    hint: 'A line in CODEOWNERS says who does, or `approvers` names others as well.',
  })
}

/** @throws UserError where whoever asked is the only one who could approve it, and may not */
function mustHaveApprover(
  approvers: readonly Who[],
  approval: ReleasePlan['approval'],
  { name }: Environment,
  { requester }: Release,
): void {
  if (approval !== 'other') return
  if (approvers.some((one) => one.toLowerCase() !== `@${requester.login.toLowerCase()}`)) return
  throw new UserError(
    'no_approver',
    `Only ${requester.login} could approve a deploy to \`${name}\`, and has asked for it.`,
    {
      hint: 'Somebody else may ask for it; or `approvers` names others as well.',
    },
  )
}

/** What would be taken away, what deserves a look, and whether there is a way back. */
async function aroundOf(
  { git }: ReleaseDeps,
  task: Task,
  environment: Environment,
  target: Target,
  { liveSha, sha, relation }: Pick<ReleasePlan, 'liveSha' | 'sha' | 'relation'>,
  goesBack: boolean,
): Promise<Pick<ReleasePlan, 'removes' | 'inRange' | 'wayBack'>> {
  const { repository } = task.origin
  const { policy = OPEN_POLICY } = environment.settings
  const { glob = USUAL_MIGRATIONS, onlyAdds = false } = policy.migrations ?? {}
  const isCompared = liveSha !== undefined && relation !== 'same' && relation !== 'unknown'
  const changed = isCompared ? await git.changedFiles(repository, liveSha, sha) : []
  const found = inRange(changed, (path) => glob.some((pattern) => matchesGlob(path, pattern)))
  const isTaken = liveSha !== undefined && (relation === 'behind' || relation === 'diverged')
  return {
    ...(isTaken ? { removes: await git.log(repository, sha, liveSha, MAX_REMOVED) } : {}),
    inRange: firstOf(found),
    wayBack: wayBackOf({
      liveSha,
      // What is live when the next one comes is kept.
      isKept: target.restore !== undefined && target.restorable !== undefined && relation !== 'same',
      migrations: found.migrations,
      onlyAdds,
      // What people went back from is not gone back to by itself.
      isWanted: policy.rollback === 'auto' && !goesBack,
    }),
  }
}

/** Whose metrics it is watched by is set, where it is watched by some; that they cannot be read now is no reason to wait. @throws UserError */
async function mustBeMeasured({ metrics, now, log }: ReleaseDeps, environment: Environment): Promise<void> {
  const { prometheus } = environment.settings.policy ?? {}
  if (!prometheus) return
  await metrics(environment, prometheus, { from: now() - 1000, to: now() }).catch((error: unknown) => {
    if (error instanceof UserError && error.code === 'no_metrics') throw error
    log('Prometheus cannot be asked', { environment: environment.name, error: causesOf(error) })
  })
}

/** What it would do there; what cannot be deployed at all is not asked about. @throws UserError */
async function preflightOf(
  { git }: ReleaseDeps,
  { origin, settings }: Task,
  target: Target,
  environment: Environment,
  sha: string,
): Promise<Pick<ReleasePlan, 'preflight'>> {
  const signal = AbortSignal.timeout(PREFLIGHT_MS)
  const unpack = (dir: string) => git.archive(origin.repository, sha, dir, settings.checks.submodules)
  const said = await target.preflight?.({ environment, sha, signal, unpack }).catch((error: unknown) => {
    throw signal.aborted
      ? new UserError('preflight_late', `What would be changed on \`${environment.name}\` could not be told in time.`, {
          cause: error,
        })
      : error
  })
  if (said === undefined) return {}
  const more = said.length - MAX_SAID
  return { preflight: [...said.slice(0, MAX_SAID), ...(more > 0 ? [`and ${more} more`] : [])] }
}

/** Some of each kind: a plan is read by people. */
function firstOf({ dependencies, configuration, migrations }: InRange): InRange {
  const some = (paths: readonly string[]) => paths.slice(0, MAX_NAMED)
  return { dependencies: some(dependencies), configuration: some(configuration), migrations: some(migrations) }
}

/** Approval binds to all of this: the plan, the settings whose commands will run, and this very request for a deploy. */
function releaseHash(task: Task, release: Release, { settings }: Environment, plan: Omit<ReleasePlan, 'hash'>): string {
  return hashOf({ plan, settings, task: task.id, release: release.index })
}

function blocked(environment: string, gates: readonly GateResult[]): UserError {
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
  const own = (await deps.environments.load(environmentKey(repository, release.environment)))?.state
  return gatesOf(policy, {
    sha,
    requester: await requesterOf(deps, repository, release, policy),
    checks: policy.checks.length > 0 ? await checksOf(deps, repository, sha) : [],
    before: policy.after ? (await deps.environments.load(environmentKey(repository, policy.after)))?.state : undefined,
    quarantined: await quarantinedIn(deps, repository, own?.quarantine ?? [], sha),
    lock: own?.lock,
    shared: shareLeft(own),
    goesBack: release.goesBack === true,
    now: deps.now(),
  })
}

/** Whoever asked for it; nobody, where write permission is all that is wanted (that was asked when they said so), or the settings deploy. */
async function requesterOf(
  { facts, log }: ReleaseDeps,
  repository: Repository,
  { requester, isAuto }: Release,
  policy: Policy,
) {
  if (isAuto || policy.deployers.includes('write')) return undefined
  return facts.standing(repository, requester, teamsIn(policy.deployers)).catch((error: unknown) => {
    log('what somebody may do could not be read', { person: requester.login, error: messageOf(error) })
    return 'unknown' as const
  })
}

/** The commit that was taken back there and that this one is, has the files of, or has without mending it. */
async function quarantinedIn(
  { git }: ReleaseDeps,
  repository: Repository,
  quarantine: readonly Quarantined[],
  sha: string,
): Promise<Quarantined | undefined> {
  if (quarantine.length === 0) return undefined
  const tree = await git.treeOf(repository, sha)
  for (const one of quarantine.toReversed()) {
    if (one.sha === sha || one.tree === tree) return one
    // A commit that is not there any more is in nothing.
    const has = (commit: string) => git.isAncestor(repository, one.sha, commit).catch(() => false)
    // What was gone back to has it as well, where an older commit was taken back: then what has it is not what is wrong.
    if ((await has(sha)) && !(await has(one.to)) && !(await git.mends(repository, one.sha, sha))) return one
  }
  return undefined
}

/** What was taken back there, and comes again with what mends it. */
async function mendedIn(
  { git, environments }: ReleaseDeps,
  task: Task,
  { name }: Environment,
  { liveSha, sha }: Pick<ReleasePlan, 'liveSha' | 'sha'>,
): Promise<Pick<ReleasePlan, 'mends'>> {
  const { repository } = task.origin
  const { quarantine = [] } = (await environments.load(environmentKey(repository, name)))?.state ?? {}
  const mends: string[] = []
  for (const { sha: bad } of quarantine) {
    const isIn = (commit: string | undefined) =>
      commit === undefined ? false : git.isAncestor(repository, bad, commit).catch(() => false)
    // Mended and live it is over.
    if ((await isIn(sha)) && !(await isIn(liveSha)) && (await git.mends(repository, bad, sha))) mends.push(bad)
  }
  return mends.length > 0 ? { mends } : {}
}

/** What cannot be read lets nothing through: the gate waits. */
async function checksOf({ facts, log }: ReleaseDeps, repository: Repository, sha: string) {
  return facts.checks(repository, sha).catch((error: unknown) => {
    log('the checks of a commit could not be read', { sha, error: messageOf(error) })
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
