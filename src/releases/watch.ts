import type { Watch } from '../core/artefacts.ts'
import { figuresOf, NO_TRAFFIC, ofRelease, type Tally, tallied } from '../core/traffic.ts'
import { countedUntil, look, reportOf, watchFrom } from '../core/watch.ts'
import type { Release, Task } from '../core/task/types.ts'
import { releaseId } from './deploy.ts'
import { environmentOf } from './plan.ts'
import type { Environment, ReleaseDeps, Target, WatchResult } from './types.ts'

/** One look at what was deployed: a probe, and what was counted since the look before. Where it stands is stored; no worker waits for the next. */
export async function watch(deps: ReleaseDeps, task: Task, release: Release): Promise<WatchResult> {
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  const { watchSeconds, policy } = environment.settings
  const { sha, url } = release.deployed ?? { sha: '', url: '' }
  const before = release.watch ?? (await begun(deps, task, release, environment, target))
  const isHealthy = await target.probe(environment)
  const now = deps.now()
  const until = countedUntil(before, watchSeconds, now)
  const samples = until > before.until ? await target.samples(environment, before.until, until) : []
  const looked = look(
    before,
    { samples: ofRelease(samples, sha), until, isHealthy },
    { seconds: watchSeconds, margin: policy?.margin },
    now,
  )
  if (looked.kind === 'again') return { kind: 'looked', watch: looked.watch, until: looked.at }
  return { kind: 'report', report: reportOf(looked, { environment: environment.name, sha, url }), watch: looked.watch }
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
    target,
    environment,
    release.deployed?.previousSha ?? release.plan?.liveSha,
    deployStep?.startedAt ?? from,
    span,
  )
  return watchFrom(from, figuresOf(before.tally, before.seconds), before.tally.latency)
}

/** What the release before it showed, over at most `span` ms, and no longer than it was live. */
async function figuresBefore(
  target: Target,
  environment: Environment,
  sha: string | undefined,
  until: number,
  span: number,
): Promise<{ readonly tally: Tally; readonly seconds: number }> {
  const since = await target.measuredSince(environment, until)
  const start = since === undefined ? until : Math.max(until - span, since)
  const samples = ofRelease(await target.samples(environment, start, until), sha)
  return { tally: tallied(NO_TRAFFIC, samples), seconds: (until - start) / 1000 }
}
