import type { RolledBack } from '../core/artefacts.ts'
import { causesOf, publicMessage, UserError } from '../core/errors.ts'
import { environmentKey } from '../core/environments/types.ts'
import type { Release, Task } from '../core/task/types.ts'
import { Lost } from '../leases/types.ts'
import { Fenced } from '../store/types.ts'
import { evidenceIn } from '../core/mending.ts'
import { alone, type Held } from './alone.ts'
import { releaseId } from './deploy.ts'
import { environmentOf } from './plan.ts'
import type { Environment, ReleaseDeps, Target } from './types.ts'

/** How often what was put back is asked whether it is healthy, before people are called. */
const PROBES = 3
const PROBE_MS = 500

/** Puts back what was live before, verified by the same probes; where that is broken too, nothing more is tried. */
export async function takeBack(
  deps: ReleaseDeps,
  task: Task,
  release: Release,
  signal: AbortSignal,
  mayAct: () => void,
): Promise<RolledBack> {
  const environment = environmentOf(task, release.environment)
  const target = deps.targets.of(environment.settings.target)
  // What it replaced, which may be newer than what was live when the plan was made.
  const to = release.deployed?.previousSha ?? release.plan?.wayBack?.to ?? ''
  const key = environmentKey(task.origin.repository, environment.name)
  return alone(deps, key, { signal, mayAct }, async (held) => {
    const begun = performance.now()
    let isSwitched = false
    const ended = (error: string | undefined): RolledBack => ({
      ok: error === undefined,
      isSwitched,
      to,
      ms: Math.round(performance.now() - begun),
      error,
    })
    try {
      const { quarantine = [] } = (await deps.environments.load(key))?.state ?? {}
      if (quarantine.some(({ sha }) => sha === to))
        return ended(`${to.slice(0, 7)} was taken back itself, so it is not gone back to; what got worse is still live`)
      const current = await target.current(environment)
      // Put back by a process that ended right afterwards.
      if (current !== to) {
        if (current !== release.deployed?.sha)
          return ended(`something else is live by now (${current?.slice(0, 7) ?? 'nothing'}); nothing was changed`)
        await putBack(target, environment, to, held)
      }
      isSwitched = true
      const back = ended(await unhealthy(deps, target, environment, to, signal))
      return environment.settings.policy?.mend ? { ...back, log: await evidence(target, task, release) } : back
    } catch (error) {
      held.signal.throwIfAborted()
      if (error instanceof Lost || error instanceof Fenced) throw error
      deps.log('a release could not be taken back', { environment: key, error: causesOf(error) })
      return ended(publicMessage(error).replace(/\.$/, ''))
    }
  })
}

/** What it printed last; nothing where that cannot be read. */
async function evidence(target: Target, task: Task, release: Release): Promise<string> {
  return evidenceIn(await target.log(releaseId(task, release)).catch(() => ''))
}

async function putBack(
  target: Target,
  environment: Environment,
  to: string,
  { signal, mayAct, fence }: Held,
): Promise<void> {
  const kept = (await target.restorable?.(environment))?.find(({ sha }) => sha === to)
  if (!kept || !target.restore)
    throw new UserError('nothing_kept', `The release \`${to.slice(0, 7)}\` is not kept any more.`)
  mayAct()
  await target.restore({
    environment,
    releaseId: kept.releaseId,
    signal,
    mayAct,
    fence,
  })
}

/** Why what was put back is no better; undefined where it answers. */
async function unhealthy(
  { sleep }: ReleaseDeps,
  target: Target,
  environment: Environment,
  to: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let nth = 1; nth <= PROBES; nth++) {
    if (await target.probe(environment)) return undefined
    signal.throwIfAborted()
    await sleep(PROBE_MS)
  }
  return `${to.slice(0, 7)} is back, and does not answer its health check either`
}
