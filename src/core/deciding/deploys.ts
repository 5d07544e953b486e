import type { Bisect } from '../bisect.ts'
import type { Awaits, CommandOf } from '../command.ts'
import { workflowOf } from '../workflows/registry.ts'
import type { ReleasePlan } from '../artefacts.ts'
import { mayBe, OPEN_POLICY, whoText } from '../environments/gates.ts'
import { APPROVAL_MS, deployApprovals, isDeployApproved } from '../policy.ts'
import { noteReply } from '../reply/answers.ts'
import type { Standing, Who } from '../standing.ts'
import { environmentNames, type RepositorySettings } from '../settings.ts'
import { accepted, type Decided, ignored, type PersonCommand, refused } from './commands.ts'
import { isTurnOver } from '../environments/wanted.ts'
import { gateAt, hasShare, isActive, isTakenBack } from '../task/steps.ts'
import type { Certificate, Gate, Person, Release, Repository, Step, Task } from '../task/types.ts'

/** What people say about releases. */

/** What is merged stays so: the deploy alone ends, and may be asked for again. */
export function cancelRelease(task: Task, release: Release, said: PersonCommand): Decided {
  const { index, environment, deployed } = release
  if (isTakenBack(release) && !release.rolledBack)
    return refused('is_taken_back', `It got worse, and is being taken back now: that cannot be cancelled.`)
  // Nobody would ever give it the rest, or take that back.
  if (hasShare(release))
    return refused(
      'has_share',
      `It is given ${deployed?.percent ?? 0} % of the requests or more, and judged by that: \`@${task.settings.mention} rollback ${environment}\` takes it back now.`,
    )
  const isUnderWay = task.steps.some(
    (step) =>
      step.kind === 'deploy' &&
      step.release === index &&
      step.status === 'running' &&
      !isHeldUp(step, said.decidedAt ?? said.receivedAt),
  )
  const what = deployed?.ok
    ? 'what was deployed stays live, and is watched no more'
    : isUnderWay
      ? 'it was under way, so please look at what is live there'
      : 'nothing was deployed'
  const outcome = `the deploy to ${environment} was cancelled by ${said.by.login}; ${what}`
  return accepted(
    'cancelled',
    [{ type: 'task.finished', outcome, by: said.by, from: said.from }],
    '',
    noteReply(`Cancelled: ${what}. \`@${task.settings.mention} deploy ${environment}\` asks for it again.`),
  )
}

/** Somebody else than who asked, for exactly what waits. */
export function approveDeploy(task: Task, gate: Extract<Gate, { kind: 'deploy' }>, said: PersonCommand): Decided {
  const release = task.releases.at(-1)
  if (!release?.plan || release.plan.hash !== gate.hash || release.plan.sha !== gate.sha)
    return refused('stale_approval', 'The release plan has changed; say `deploy` again.')
  if (release.plan.approval !== 'self' && release.requester.id === said.by.id) {
    return refused(
      'requester_is_approver',
      `You asked for this deploy, so somebody else with write permission must approve it.`,
    )
  }
  const { plan } = release
  const refusal = refusalOfApprover(task, plan, said)
  if (refusal) return refusal
  return accepted('deploy_approved', [
    {
      type: 'gate.approved',
      gate: 'deploy',
      hash: gate.hash,
      sha: gate.sha,
      by: said.by,
      from: said.from,
      certificate: certificateOf(plan, said.standing, said.receivedAt),
    },
  ])
}

/** Why somebody's approval does not count, though they may write. */
function refusalOfApprover(task: Task, plan: ReleasePlan, { by, standing }: PersonCommand): Decided | undefined {
  if (deployApprovals(task, plan).some((one) => one.by !== 'settings' && one.by.id === by.id))
    return refused('approved_already', 'You have approved this deploy already; it takes somebody else as well.')
  const { approvers = OPEN_POLICY.approvers } = plan
  if (isOpen(approvers) || (standing && mayBe(approvers, standing))) return undefined
  return refused(
    'not_an_approver',
    `Deploys to ${plan.environment} are approved by ${whoText(approvers)}; you are not among them.`,
  )
}

/** Whether write permission is all that is wanted. */
export function isOpen(who: readonly Who[]): boolean {
  return who.includes('write')
}

/** @param at when it was given, ms since the epoch */
export function certificateOf(plan: ReleasePlan, standing: Standing | undefined, at: number): Certificate {
  return { tree: plan.tree, policy: plan.policy, gates: plan.gates ?? [], standing, expiresAt: at + APPROVAL_MS }
}

/** How much earlier than it is due a step may be gone on with, for clocks that differ; ms. */
const DUE_TOLERANCE_MS = 1000

/** Whether a step waits for a gate, and nobody has gone on with it yet. */
function isHeldUp({ parked }: Step, now: number): boolean {
  return parked?.why === 'deploy_gate' && parked.until > now + DUE_TOLERANCE_MS
}

/** Whether the last release was approved and has not begun: it can still be taken back. @param now ms since the epoch */
export function isWithdrawable(task: Task, now: number): boolean {
  const release = task.releases.at(-1)
  if (!isActive(task) || !release?.plan || release.deployed || !isDeployApproved(task, release.plan)) return false
  const step = task.steps.find(({ kind, release: index }) => kind === 'deploy' && index === release.index)
  return !step || step.status === 'pending' || isHeldUp(step, now)
}

/** A deploy is asked for: of the merged work, one at a time. */
export function deploy(
  task: Task,
  said: PersonCommand,
  environment: string,
  ref: string | undefined,
  awaits?: Awaits,
): Decided {
  if (ref !== undefined && said.isKnownRef === false)
    return refused('unknown_ref', unknownRef(task.origin.repository, ref))
  const last = task.releases.at(-1)
  // What waits on GitHub asks once: it follows what is under way.
  if (awaits && ref !== undefined && isActive(task) && last && !finished(task, last.index)) {
    const under = last.plan?.sha ?? last.ref ?? task.merged?.sha
    if (last.environment === environment && under === ref)
      return ignored('asked_already', 'that commit is on its way there')
    return accepted('release_awaited', [{ type: 'release.awaited', environment, ref, by: said.by, awaits }])
  }
  return request(task, said, environment, { ref, ...(awaits && { awaits }) })
}

/** What was live before is wanted back. */
export function goBack(task: Task, said: PersonCommand, environment: string, ref: string | undefined): Decided {
  const last = task.releases.at(-1)
  if (last && isWatched(task, last) && last.environment === environment && ref === undefined)
    return recall(task, last, said)
  return request(task, said, environment, { ref, goesBack: true })
}

/** Which commit made it worse is wanted to be known. */
export function lookFor(task: Task, said: PersonCommand, { environment, good, bad }: CommandOf<'bisect'>): Decided {
  const worse = task.releases.findLast(
    (one) =>
      one.environment === environment &&
      !one.goesBack &&
      !one.bisect &&
      (one.report?.verdict === 'regressed' || one.recalledBy !== undefined),
  )
  if (good !== undefined && said.isKnownRef === false) return refused('unknown_ref', unknownBounds(good, bad))
  const from = good ?? worse?.deployed?.previousSha
  const to = bad ?? worse?.deployed?.sha
  if (!from || !to || from === to) return refused('nothing_to_bisect', nothingWorse(environment, task.settings))
  return request(task, said, environment, { ref: undefined, bisect: bisectFrom(from, to, task.releases.length + 1) })
}

/** Nothing is known yet of what is between two commits. @param row the number of its first release */
export function bisectFrom(good: string, bad: string, row: number): Bisect {
  return { good, bad, skipped: [], row }
}

/** What is said where it is not known between which commits is to be looked. */
export function nothingWorse(environment: string, { mention }: Pick<RepositorySettings, 'mention'>): string {
  return `No release to ${environment} got worse in this conversation: say between which commits, as in \`@${mention} bisect ${environment} <good> <bad>\`.`
}

/** Whether it is live, and nothing has come of it yet. */
function isWatched(task: Task, { index, deployed }: Release): boolean {
  return deployed?.ok === true && task.releases.at(-1)?.index === index && !finished(task, index)
}

/** Whether somebody's word takes it back before it is judged. */
export function mayBeRecalled(task: Task, release: Release): boolean {
  const { goesBack, plan } = release
  const isReady = plan?.wayBack?.isReady === true || hasShare(release)
  return isWatched(task, release) && !goesBack && !isTakenBack(release) && isReady
}

/** What is live, and still watched, is taken back at once: nobody waits for a verdict that somebody has given. */
function recall(task: Task, release: Release, said: PersonCommand): Decided {
  const { by, standing, settings = task.settings } = said
  const { environment, plan } = release
  const { deployers } = settings.environments[environment]?.policy ?? OPEN_POLICY
  if (!isOpen(deployers) && !(standing && mayBe(deployers, standing)))
    return refused(
      'not_a_deployer',
      `What is live on ${environment} is taken back by ${whoText(deployers)}; you are not among them.`,
    )
  if (isTakenBack(release)) return refused('is_taken_back', 'It is being taken back already.')
  if (release.goesBack)
    return refused(
      'went_back',
      `${environment} was taken back already, to ${plan?.sha.slice(0, 7) ?? ''}, which is watched.`,
    )
  if (isSaidBefore(task, release, said))
    return refused(
      'said_before',
      `You said that before ${plan?.sha.slice(0, 7) ?? 'this release'} was live on ${environment}; say it again if you mean this one.`,
    )
  if (!mayBeRecalled(task, release))
    return refused(
      'no_way_back',
      `There is no way back by itself: ${plan?.wayBack?.why ?? 'nobody has looked for one'}. \`@${task.settings.mention} deploy ${environment} <sha>\` deploys an earlier commit.`,
    )
  return recalled(task, release, by)
}

/** Whether somebody cannot have meant what is live now: it was not there yet. */
function isSaidBefore(task: Task, { index }: Release, { writtenAt, receivedAt }: PersonCommand): boolean {
  const begun = task.steps.find((step) => step.kind === 'deploy' && step.release === index)?.startedAt ?? 0
  return receivedAt < begun || !(writtenAt > 0) || writtenAt + WRITTEN_TOLERANCE_MS < begun
}

/** Services tell the time of a comment in whole seconds, by clocks of their own. */
const WRITTEN_TOLERANCE_MS = 5000

/** Its watch ends, and what was live before comes back. */
export function recalled(task: Task, { index }: Release, by: Person): Decided {
  const watches = task.steps.filter(
    ({ kind, release: nth, status }) =>
      kind === 'watch' && nth === index && (status === 'running' || status === 'pending'),
  )
  return accepted('recalled', [
    { type: 'release.recalled', release: index, by },
    ...watches.map(({ id }) => ({ type: 'step.finished', step: id }) as const),
  ])
}

function request(
  task: Task,
  said: PersonCommand,
  environment: string,
  what: {
    readonly ref: string | undefined
    readonly goesBack?: true
    readonly bisect?: Bisect
    readonly awaits?: Awaits
  },
): Decided {
  const settings = said.settings ?? task.settings
  const unknown = unknownEnvironment(settings, environment)
  if (unknown) return refused('unknown_environment', unknown)
  if (task.status === 'cancelled') return refused('task_ended', 'This task was cancelled.')
  if (!workflowOf(task).mayRelease(task))
    return refused(
      'not_merged',
      task.pullRequest
        ? 'The pull request is not merged yet; merging is up to people. Say `deploy` again afterwards.'
        : 'There is no pull request yet, so there is nothing to deploy. Say `deploy` again once it is merged.',
    )
  const waiting = gateAt(task, 'deploy')
  if (waiting)
    return refused(
      'deploy_under_way',
      `The deploy to \`${waiting.environment}\` waits for approval: \`@${task.settings.mention} approve\` or \`@${task.settings.mention} reject\` first.`,
    )
  const last = task.releases.at(-1)
  if (last && !finished(task, last.index))
    return refused('deploy_under_way', 'A deploy is already under way in this conversation; it must end first.')
  return accepted('deploy_requested', [
    { type: 'settings.read', settings },
    { type: 'release.requested', environment, ...what, by: said.by },
  ])
}

/** What is said of an environment that the settings do not have; undefined where they do. */
export function unknownEnvironment(settings: RepositorySettings, name: string): string | undefined {
  if (Object.hasOwn(settings.environments, name)) return undefined
  const known = environmentNames(settings)
  return known.length > 0
    ? `There is no environment \`${name}\`; there are: ${known.join(', ')}.`
    : 'No environment is set up: add one under `environments` in `.github/muster.yml`.'
}

/** Told at once, before anything is planned. */
export function unknownRef({ owner, name }: Repository, ref: string): string {
  return `There is no branch, tag or commit \`${ref}\` in ${owner}/${name}; nothing was planned.`
}

/** As `unknownRef`, of the two between which is to be looked. */
export function unknownBounds(good: string, bad: string | undefined): string {
  return `There is no \`${good}\`, or no \`${bad ?? ''}\`, in this repository; nothing was planned.`
}

/** Whether nothing more follows of a release: of a task that has ended, nothing does. */
export function finished(task: Task, index: number): boolean {
  const release = task.releases.find((one) => one.index === index)
  return !release || isTurnOver(task, release)
}
