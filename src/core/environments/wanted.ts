import type { EffectIntent } from '../effects.ts'
import { hashOf } from '../hash.ts'
import { hasShare, isActive, isReleaseOver } from '../task/steps.ts'
import type { Release, Task } from '../task/types.ts'
import { OPEN_POLICY, verdictOf } from './gates.ts'
import type { Wanted } from './types.ts'

/** What a task wants of an environment: told from its state, and sent whenever that is another than before. */

/** Whether nothing more comes of a release, as its environment is concerned: it was judged, failed, or is not wanted any more. */
export function isTurnOver(task: Task, release: Release): boolean {
  const stopped = task.steps.some(
    (step) => step.release === release.index && (step.status === 'failed' || step.status === 'cancelled'),
  )
  return !isActive(task) || isReleaseOver(release) || stopped
}

/** A task whose last release needs its environment no more has given that up. */
export function withTurn(task: Task): Task {
  const last = task.releases.at(-1)
  if (!last?.turn || last.turn.state === 'over' || !isTurnOver(task, last)) return task
  const over: Release = { ...last, turn: { nth: last.turn.nth, state: 'over' } }
  return { ...task, releases: [...task.releases.slice(0, -1), over] }
}

/** What the last release of a task wants; undefined where it wants nothing yet, or wanted nothing when it was made. */
export function wantedOf(task: Task): Wanted | undefined {
  const release = task.releases.at(-1)
  const { plan, turn, deployed, report, requester, rolledBack } = release ?? {}
  if (!release || !plan || !turn || !requester) return undefined
  return {
    task: task.id,
    release: release.index,
    nth: turn.nth,
    conversationId: task.conversationId,
    sha: plan.sha,
    by: requester,
    watchSeconds: plan.watchSeconds,
    state: turn.state === 'over' ? 'out' : 'in',
    isLive: deployed?.ok === true,
    // Whoever wants it taken back has judged it.
    verdict: report?.verdict ?? (release.recalledBy ? 'regressed' : undefined),
    tree: plan.tree,
    ...(release.goesBack ? { goesBack: true } : {}),
    ...(release.bisect ? { isTried: true } : {}),
    ...recallsOf(release),
    ...((plan.wayBack?.isReady === true || hasShare(release)) && !release.goesBack ? { mayGoBack: true } : {}),
    ...(release.goesBack && deployed?.previousSha && deployed.previousSha !== plan.sha
      ? { leaves: deployed.previousSha }
      : {}),
    ...committedIn(release),
    ...(release.isAuto ? { isAuto: true } : {}),
    ...carriedIn(release),
    ...(hasShare(release) && deployed?.percent !== undefined ? { percent: deployed.percent } : {}),
    ...(rolledBack?.isSwitched ? { takenBackTo: rolledBack.to } : {}),
  }
}

const MAX_CHANGES = 50
const MAX_CARRIED = 100

/** What it brings beside its own commit; nothing where it takes something away, or somebody has asked for it: whoever did wants that alone. */
function carriedIn({ plan, isAuto }: Release): Pick<Wanted, 'carries'> {
  const brings = plan?.relation === 'ahead' && isAuto ? plan.commits.map(({ sha }) => sha) : []
  const carries = brings.filter((sha) => sha !== plan?.sha).slice(0, MAX_CARRIED)
  return carries.length > 0 ? { carries } : {}
}

/** When what is new in it was committed. */
function committedIn({ plan, goesBack }: Release): Pick<Wanted, 'committed'> {
  const isNew = plan?.relation === 'ahead' || plan?.relation === 'diverged'
  const times = isNew && !goesBack ? plan.commits.flatMap(({ sha, at }) => (at === undefined ? [] : [{ sha, at }])) : []
  return times.length > 0 ? { committed: times.slice(0, MAX_CHANGES) } : {}
}

/** Whoever goes to what was live right before, and may, leaves what was live when that was planned: that one and no other. */
function recallsOf({ goesBack, ref, plan }: Release): Pick<Wanted, 'recalls'> {
  const may = goesBack && ref === undefined && plan?.liveSha !== plan?.sha && verdictOf(plan?.gates ?? []) === 'pass'
  return may && plan?.liveSha ? { recalls: plan.liveSha } : {}
}

/** The word to the environment, where there is something to say. */
export function wantedEffects(before: Task | undefined, task: Task): EffectIntent[] {
  const wanted = wantedOf(task)
  const known = before && wantedOf(before)
  if (!wanted || (known && hashOf(known) === hashOf(wanted))) return []
  const environment = task.releases.at(-1)?.environment ?? ''
  const { policy = OPEN_POLICY } = task.settings.environments[environment] ?? {}
  return [
    {
      key: `environment:${wanted.release}`,
      body: {
        kind: 'environment.turn',
        place: { repository: task.origin.repository, number: 0 },
        environment,
        wanted,
        freeze: policy.freeze,
      },
    },
  ]
}
