import type { Watch } from '../core/artefacts.ts'
import { besideFrom } from '../core/beside.ts'
import { environmentKey } from '../core/environments/types.ts'
import { linesWith, type Signs } from '../core/limits.ts'
import { figuresOf, NO_TRAFFIC, ofRelease, type Sample, type Tally, tallied } from '../core/traffic.ts'
import { countedUntil, look, reportOf, watchFrom, withShare } from '../core/watch.ts'
import type { Release, Task } from '../core/task/types.ts'
import { causesOf, UserError } from '../core/errors.ts'
import { Lost } from '../leases/types.ts'
import { Fenced } from '../store/types.ts'
import { alone, type Held } from './alone.ts'
import { releaseId } from './deploy.ts'
import { environmentOf } from './plan.ts'
import type { Environment, ReleaseDeps, Target, WatchResult } from './types.ts'

type Acting = Pick<Held, 'signal' | 'mayAct'>

/** One look at what was deployed: a probe, and what was counted since the look before. Where it stands is stored; no worker waits for the next. */
export async function watch(deps: ReleaseDeps, task: Task, release: Release, acting: Acting): Promise<WatchResult> {
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const { watchSeconds, policy } = environment.settings
  const { sha, url, previousSha } = release.deployed ?? { sha: '', url: '' }
  const known = release.watch ?? (await begun(deps, task, release, environment, target))
  const before = await withNextShare(deps, task, release, known, acting)
  const isHealthy = await target.probe(environment, before.beside && sha)
  const isControlHealthy = before.beside && (await target.probe(environment, previousSha))
  const now = deps.now()
  const counted = await countedSince(deps, { environment, target, watch: before, now })
  const { samples, until } = counted
  const signs = await signsOf(deps, environment, target, releaseId(task, release))
  const looked = look(
    before,
    {
      samples: ofRelease(samples, sha),
      control: ofRelease(samples, previousSha),
      until,
      isHealthy,
      isControlHealthy,
      signs,
    },
    {
      seconds: watchSeconds,
      margin: policy?.margin,
      canary: release.plan?.canary,
      limits: policy?.limits,
      lag: lagOf(environment),
    },
    now,
  )
  if (looked.kind === 'again') return { kind: 'looked', watch: looked.watch, until: looked.at }
  if (looked.end === 'promoted' && !(await weighed(deps, task, release, 100, acting)))
    return { kind: 'looked', watch: before, until: now + RETRY_MS }
  return { kind: 'report', report: reportOf(looked, { environment: environment.name, sha, url }), watch: looked.watch }
}

/** What somebody else counts may be out of reach for so long after the end, then it is done without; ms. */
const UNREAD_MS = 10 * 60_000

interface Counting {
  readonly environment: Environment
  readonly target: Target
  readonly watch: Watch
  readonly now: number
}

/** What was counted since the look before. What cannot be read now is read by the next look. */
async function countedSince(
  deps: ReleaseDeps,
  { environment, target, watch, now }: Counting,
): Promise<{ readonly samples: readonly Sample[]; readonly until: number }> {
  const { watchSeconds } = environment.settings
  const until = countedUntil(watch, watchSeconds, now, lagOf(environment))
  if (until <= watch.until) return { samples: [], until }
  try {
    return {
      samples: await samplesOf(deps, environment, target, { from: watch.until, to: until, since: watch.from }),
      until,
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    deps.log('what was counted cannot be read', {
      environment: environment.name,
      error: causesOf(error),
    })
    const isOver = now > watch.from + watchSeconds * 1000 + UNREAD_MS
    return { samples: [], until: isOver ? until : watch.until }
  }
}

/** A scrape is told once it has ended, which may take as long as it may. */
const SCRAPED_MS = 15_000

function lagOf({ settings }: Environment): number | undefined {
  return settings.policy?.prometheus ? SCRAPED_MS : undefined
}

/** By Prometheus where the environment says so, else as the target sees it. */
function samplesOf(
  { metrics }: ReleaseDeps,
  environment: Environment,
  target: Target,
  span: { readonly from: number; readonly to: number; readonly since?: number | undefined },
): Promise<readonly Sample[]> {
  const { prometheus } = environment.settings.policy ?? {}
  return prometheus ? metrics(environment, prometheus, span) : target.samples(environment, span.from, span.to)
}

/** What is seen of a release beside its traffic; what cannot be read now is not counted against it. */
async function signsOf(deps: ReleaseDeps, environment: Environment, target: Target, id: string): Promise<Signs> {
  const { log } = environment.settings.policy?.limits ?? {}
  const read = async <T>(what: Promise<T> | undefined): Promise<T | undefined> => {
    try {
      return await what
    } catch (error) {
      deps.log('a sign of a release cannot be read', { release: id, error: causesOf(error) })
      return undefined
    }
  }
  const late = AbortSignal.timeout(SIGNS_MS)
  const inTime = <T>(what: Promise<T> | undefined) => read(what && Promise.race([what, whenAborted(late)]))
  const [printed, restarts] = await Promise.all([
    inTime(log && target.log(id)),
    inTime(target.restarts?.(environment, id)),
  ])
  return { restarts, lines: printed === undefined || !log ? undefined : linesWith(printed, log.words) }
}

/** A look is not held up by what it can do without; ms. */
const SIGNS_MS = 20_000

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('it took too long')), { once: true })
  })
}

/** How long until a share that could not be given is given once more. */
const RETRY_MS = 10_000

/** Gives it the share that the look before came to. Where that fails it has what it had, and the next look tries again. */
async function withNextShare(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  watch: Watch,
  acting: Acting,
): Promise<Watch> {
  const next = watch.beside?.next
  if (next === undefined) return watch
  return (await weighed(deps, task, release, next, acting)) ? withShare(watch, next, deps.now()) : watch
}

/** Sets its share, while nobody else deploys there. @returns whether it has it */
async function weighed(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  percent: number,
  acting: Acting,
): Promise<boolean> {
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const key = environmentKey(task.origin.repository, environment.name)
  if (!target.weigh) throw new UserError('no_shares', 'This target gives no shares of the requests any more.')
  const weigh = target.weigh.bind(target)
  try {
    await alone(deps, key, acting, (held) =>
      weigh({ environment, releaseId: releaseId(task, release), percent, ...held }),
    )
    return true
  } catch (error) {
    acting.signal.throwIfAborted()
    if (error instanceof Lost || error instanceof Fenced) throw error
    // Something else is live: it never has its share, however often that is tried.
    if (error instanceof UserError && error.code === 'changed') throw error
    deps.log('a release could not be given its share', { environment: key, percent, error: causesOf(error) })
    return false
  }
}

async function begun(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  environment: Environment,
  target: Target,
): Promise<Watch> {
  const deployStep = task.steps.find((step) => step.kind === 'deploy' && step.release === release.index)
  const observed = await target.observe(releaseId(task, release))
  const since = observed.state === 'live' ? observed.since : undefined
  const from = since ?? deployStep?.endedAt ?? deps.now()
  const span = Math.max(60, environment.settings.watchSeconds) * 1000
  const before = await figuresBefore(
    deps,
    target,
    environment,
    release.deployed?.previousSha ?? release.plan?.liveSha,
    deployStep?.startedAt ?? from,
    span,
  )
  const begun = watchFrom(from, figuresOf(before.tally, before.seconds), before.tally.latency)
  const { percent } = release.deployed ?? {}
  // What was counted until now came in while its share was being set.
  return percent === undefined ? begun : { ...begun, beside: besideFrom(percent, deps.now()) }
}

/** Since when what was live before serves, as its environment has it: what Prometheus tells before that is of others. */
async function liveSince({ environments }: ReleaseDeps, { repository, name }: Environment, sha: string | undefined) {
  const [owner = '', repo = ''] = repository.split('/')
  const { live, before } = (await environments.load(environmentKey({ owner, name: repo }, name)))?.state ?? {}
  return [live, before].find((one) => one !== undefined && one.sha === sha)?.since ?? 0
}

/** What the release before it showed, over at most `span` ms, and no longer than it was live. */
async function figuresBefore(
  deps: ReleaseDeps,
  target: Target,
  environment: Environment,
  sha: string | undefined,
  until: number,
  span: number,
): Promise<{ readonly tally: Tally; readonly seconds: number }> {
  const isElsewhere = environment.settings.policy?.prometheus !== undefined
  const since = isElsewhere ? await liveSince(deps, environment, sha) : await target.measuredSince(environment, until)
  const start = since === undefined ? until : Math.max(until - span, since)
  const found = await samplesOf(deps, environment, target, { from: start, to: until }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error
    deps.log('what was counted before cannot be read', { environment: environment.name, error: causesOf(error) })
    return []
  })
  const samples = ofRelease(found, sha)
  return { tally: tallied(NO_TRAFFIC, samples), seconds: (until - start) / 1000 }
}
