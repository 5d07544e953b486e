import { workflowOf } from '../workflows/registry.ts'
import { noteReply } from '../reply/answers.ts'
import { environmentNames } from '../settings.ts'
import { accepted, type Decided, type PersonCommand, refused } from './commands.ts'
import { isActive, gateAt } from '../task/steps.ts'
import type { Gate, Release, Repository, Task } from '../task/types.ts'

/** What people say about releases. */

/** What is merged stays so: the deploy alone ends, and may be asked for again. */
export function cancelRelease(task: Task, { index, environment, deployed }: Release, said: PersonCommand): Decided {
  const isUnderWay = task.steps.some(
    ({ kind, release, status }) => kind === 'deploy' && release === index && status === 'running',
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
  return accepted('deploy_approved', [
    { type: 'gate.approved', gate: 'deploy', hash: gate.hash, sha: gate.sha, by: said.by, from: said.from },
  ])
}

/** A deploy is asked for: of the merged work, one at a time. */
export function deploy(task: Task, said: PersonCommand, environment: string, ref: string | undefined): Decided {
  const settings = said.settings ?? task.settings
  const known = environmentNames(settings)
  if (!settings.environments[environment]) {
    const detail =
      known.length > 0
        ? `There is no environment \`${environment}\`; there are: ${known.join(', ')}.`
        : 'No environment is set up: add one under `environments` in `.github/muster.yml`.'
    return refused('unknown_environment', detail)
  }
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
  if (ref !== undefined && said.isKnownRef === false)
    return refused('unknown_ref', unknownRef(task.origin.repository, ref))
  return accepted('deploy_requested', [
    { type: 'settings.read', settings },
    { type: 'release.requested', environment, ref, by: said.by },
  ])
}

/** Told at once, before anything is planned. */
export function unknownRef({ owner, name }: Repository, ref: string): string {
  return `There is no branch, tag or commit \`${ref}\` in ${owner}/${name}; nothing was planned.`
}

/** Whether nothing more follows of a release: of a task that has ended, nothing does. */
export function finished(task: Task, index: number): boolean {
  const release = task.releases.find((one) => one.index === index)
  if (!release) return true
  const stopped = task.steps.some(
    (step) => step.release === index && (step.status === 'failed' || step.status === 'cancelled'),
  )
  return !isActive(task) || release.report !== undefined || release.deployed?.ok === false || stopped
}
