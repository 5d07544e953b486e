import type { Deployed, Figures, ReleasePlan, ReleaseReport } from '../core/artefacts.ts'
import { messageOf, publicMessage, UserError } from '../core/errors.ts'
import { hashOf } from '../core/hash.ts'
import { judge } from '../core/judge.ts'
import { approvalFor } from '../core/policy.ts'
import type { Release, Task } from '../core/task/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { figuresOf, type Sample } from '../core/traffic.ts'
import { Lost } from '../leases/types.ts'
import type { Git } from '../workspace/types.ts'
import { targetTitle } from './registry.ts'
import type { Environment, Releases, Target, Targets } from './types.ts'

const SLICES = 12
/** A deploy is at most once: what cannot be told is never simply tried again. */
const UNKNOWN_OUTCOME =
  'nobody can tell whether this deploy took place; please look at the environment, then say deploy again for a new plan'
const MAX_COMMITS = 250

export interface ReleaseDeps {
  readonly git: Git
  readonly targets: Targets
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** Plans, deploys and watches over targets. Intent is stored before any side effect; an approval is checked again at the last moment. */
export function releaseEngine(deps: ReleaseDeps): Releases {
  return {
    plan: (task, release) => plan(deps, task, release),
    deploy: (task, release, signal, mayAct) => deploy(deps, task, release, signal, mayAct),
    watch: (task, release, signal) => watch(deps, task, release, signal),
  }
}

function environmentOf({ settings, origin }: Task, name: string): Environment {
  const found = settings.environments[name]
  if (!found) throw new UserError('unknown_environment', `There is no environment \`${name}\` any more.`)
  const { repository } = origin
  return { repository: `${repository.owner}/${repository.name}`, name, settings: found }
}

async function plan(deps: ReleaseDeps, task: Task, release: Release): Promise<ReleasePlan> {
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
  const liveSha = await target.current(environment)
  const relation = await relate(git, task, liveSha, sha)
  const commits =
    relation === 'ahead' || relation === 'diverged'
      ? await git.log(repository, liveSha, sha, MAX_COMMITS)
      : relation === 'same'
        ? []
        : await git.log(repository, undefined, sha, 1)
  const { watchSeconds, approval } = environment.settings
  const body = {
    environment: release.environment,
    target: targetTitle(environment.settings.target),
    sha,
    liveSha,
    commits,
    relation,
    url: target.url(environment),
    watchSeconds,
    approval,
  }
  return { ...body, hash: releaseHash(task, release, environment, body) }
}

/** Approval binds to all of this: the plan, the settings whose commands will run, and this very request for a deploy. */
function releaseHash(task: Task, release: Release, { settings }: Environment, plan: Omit<ReleasePlan, 'hash'>): string {
  return hashOf({ plan, settings, task: task.id, release: release.index })
}

async function relate(git: Git, task: Task, live: string | undefined, sha: string): Promise<ReleasePlan['relation']> {
  const { repository } = task.origin
  if (!live) return 'first'
  if (live === sha) return 'same'
  try {
    if (await git.isAncestor(repository, live, sha)) return 'ahead'
    return (await git.isAncestor(repository, sha, live)) ? 'behind' : 'diverged'
  } catch {
    return 'unknown'
  }
}

/** The key of a deploy: one per release of a task, whatever is restarted in between. */
function releaseId(task: Task, release: Release): string {
  return `${task.id}-${release.index}`
}

async function deploy(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  signal: AbortSignal,
  mayAct: () => void,
): Promise<Deployed> {
  const { git } = deps
  const { plan: approved } = release
  if (!approved || !approvalFor(task, 'deploy', approved.hash, approved.sha))
    throw new UserError('not_approved', 'This deploy has no valid approval.')
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const id = releaseId(task, release)
  const base = {
    environment: environment.name,
    sha: approved.sha,
    url: target.url(environment),
    releaseId: id,
    previousSha: approved.liveSha,
  }
  const observed = await target.observe(id)
  if (observed.state === 'live') return { ...base, ok: true, log: '', error: undefined }
  if (observed.state === 'unknown') return { ...base, ok: false, log: await target.log(id), error: UNKNOWN_OUTCOME }
  if (observed.state === 'failed') return { ...base, ok: false, log: await target.log(id), error: observed.error }
  const { hash, ...planned } = approved
  if (releaseHash(task, release, environment, planned) !== hash)
    return {
      ...base,
      ok: false,
      log: '',
      error:
        'the settings of this environment have changed since the plan was approved; say deploy again for a new plan',
    }
  const live = await target.current(environment)
  if (live !== approved.liveSha)
    return {
      ...base,
      ok: false,
      log: '',
      error: `what is live has changed since the plan was approved (now ${live?.slice(0, 7) ?? 'nothing'}); say deploy again for a new plan`,
    }
  crashPoint('deploy-started')
  mayAct()
  try {
    await target.apply({
      environment,
      releaseId: id,
      taskId: task.id,
      sha: approved.sha,
      signal,
      mayAct,
      unpack: (dir) => git.archive(task.origin.repository, approved.sha, dir, task.settings.checks.submodules),
    })
    return { ...base, ok: true, log: '', error: undefined }
  } catch (error) {
    signal.throwIfAborted()
    mayAct()
    // Whoever has it by now goes on.
    if (error instanceof Lost) throw error
    deps.log('deploy failed', { release: id, error: messageOf(error) })
    return { ...base, ok: false, log: await target.log(id), error: publicMessage(error).replace(/\.$/, '') }
  }
}

/** Watches the live release: probes and the proxy's counts, until the time is up or it is clear that it got worse. */
async function watch(deps: ReleaseDeps, task: Task, release: Release, signal: AbortSignal): Promise<ReleaseReport> {
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const { watchSeconds } = environment.settings
  const deployStep = task.steps.find((step) => step.kind === 'deploy' && step.release === release.index)
  const observed = await target.observe(releaseId(task, release))
  const since = observed.state === 'live' ? observed.since : undefined
  // Whoever watches on after a restart goes on from the same moment.
  const from = since ?? deployStep?.endedAt ?? deps.now()
  const before = await figuresBefore(
    target,
    environment,
    deployStep?.startedAt ?? from,
    Math.max(60, watchSeconds) * 1000,
  )
  const pause = Math.min(10_000, Math.max(250, (watchSeconds * 1000) / 20))
  const probes = { passed: 0, failed: 0 }
  for (;;) {
    signal.throwIfAborted()
    if (await target.probe(environment)) probes.passed++
    else probes.failed++
    const now = deps.now()
    const samples = await target.samples(environment, from, now)
    const after = figuresOf(samples, (now - from) / 1000)
    const { verdict, reasons } = judge({ before, after, probes })
    if (verdict === 'regressed' || now >= from + watchSeconds * 1000) {
      const { sha, url } = release.deployed ?? { sha: '', url: '' }
      return {
        environment: environment.name,
        sha,
        url,
        verdict,
        reasons,
        before,
        after,
        probes,
        series: seriesOf(samples, from, now),
      }
    }
    await deps.sleep(Math.min(pause, from + watchSeconds * 1000 - now))
  }
}

/** What the release before it showed, over at most `span` ms, and no longer than it was live. */
async function figuresBefore(target: Target, environment: Environment, until: number, span: number): Promise<Figures> {
  const since = await target.measuredSince(environment, until)
  const start = since === undefined ? until : Math.max(until - span, since)
  return figuresOf(await target.samples(environment, start, until), (until - start) / 1000)
}

/** Requests and errors in equal slices of the watch. */
function seriesOf(samples: readonly Sample[], from: number, to: number): ReleaseReport['series'] {
  const width = Math.max(1, Math.ceil((to - from) / 1000 / SLICES))
  const count = Math.max(1, Math.ceil((to - from) / 1000 / width))
  return Array.from({ length: count }, (_, slice) => {
    const inside = samples.filter(
      (sample) => Math.floor((sample.at - from) / 1000 / width) === slice || (slice === 0 && sample.at < from),
    )
    return {
      second: slice * width,
      requests: inside.reduce((sum, sample) => sum + sample.requests, 0),
      errors: inside.reduce((sum, sample) => sum + sample.errors, 0),
    }
  })
}
