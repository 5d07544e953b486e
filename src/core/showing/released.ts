import type { Deployed, ReleaseReport } from '../artefacts.ts'
import { isDeployApproved } from '../policy.ts'
import { channelTraits } from '../said.ts'
import type { EffectBody, EffectIntent } from '../effects.ts'
import { cutLine } from '../harmless.ts'
import { isAwaited } from '../settings.ts'
import { buttonsOf } from '../reply/buttons.ts'
import { type Document, duration, paragraph, say } from '../reply/document.ts'
import {
  backComment,
  carriedComment,
  deployFailedComment,
  plannedAnewComment,
  releasePlanComment,
  reportComment,
  rolledBackComment,
} from '../reply/release.ts'
import { bisectedComment } from '../reply/bisected.ts'
import { mendOf } from '../mending.ts'
import { askedPeople } from '../task/asked.ts'
import { turnComment } from '../reply/turn.ts'
import { comment, place, rewritten } from './places.ts'
import { releaseKey } from './settled.ts'
import type { Person, Task, TaskEvent } from '../task/types.ts'

/** What is to be seen of a release: its plan, the deployment on GitHub, and the report. */
export function released(task: Task, event: TaskEvent): EffectIntent[] {
  if (event.type === 'gate.approved' && event.gate === 'deploy') return deployment(task)
  if (event.type === 'gate.rejected' && event.gate === 'deploy')
    return [...withdrawn(task), ...refused(task, 'Rejected')]
  if (event.type === 'task.cancelled') return [...outOfLine(task), ...unwanted(task)]
  if (event.type === 'task.finished')
    return [...outOfLine(task), ...(event.by ? [...cancelled(task), ...unwanted(task)] : [])]
  if (event.type === 'release.turn') return turned(task, event)
  if (event.type === 'release.rolled_back') return rolledBack(task, event)
  if (event.type === 'release.bisected') return bisected(task, event)
  if (
    event.type !== 'release.planned' &&
    event.type !== 'deployment.created' &&
    event.type !== 'release.deployed' &&
    event.type !== 'release.watched'
  )
    return []
  const found = task.releases.find(({ index }) => index === event.release)
  if (!found) return []
  if (event.type === 'release.planned')
    return comment(
      task,
      releaseKey(event.release),
      releasePlanComment(withGate(task, found), found),
      buttonsOf(withGate(task, found)),
      found.plan?.approval === 'none' ? [] : askedPeople(withGate(task, found)),
    )
  const id = found.deploymentId
  if (event.type === 'release.deployed' && event.deployed.carriedBy) return carried(task, found, event.deployed)
  if (event.type === 'release.deployed' && id === undefined)
    return comment(task, `deploy_failed:${event.release}`, deployFailedComment(event.deployed))
  if (id === undefined) return []
  if (event.type === 'deployment.created') return [underway(task, found, id)]
  if (event.type === 'release.watched')
    return [
      verdict(task, event.report, event.release, id),
      ...reported(task, found, reportComment(task, event.report, reportTime(task))),
    ]
  const { deployed } = event
  if (deployed.isStale)
    return [
      status(task, event.release, id, 'inactive', `Not deployed: ${deployed.error ?? ''}`, undefined, undefined),
      ...comment(task, `deploy_failed:${event.release}`, plannedAnewComment(deployed)),
    ]
  if (deployed.ok && deployed.percent !== undefined) return [shared(task, found, id)]
  const text = deployed.ok
    ? `Live; watching for ${duration((found.plan?.watchSeconds ?? 0) * 1000)}`
    : (deployed.error ?? 'failed')
  const sent = status(
    task,
    event.release,
    id,
    deployed.ok ? 'success' : 'failure',
    text,
    deployed.ok ? deployed.url : undefined,
    deployed.releaseId,
  )
  if (deployed.ok && found.goesBack)
    return [sent, ...comment(task, `back:${event.release}`, backComment(task, found, deployed))]
  return deployed.ok
    ? [sent]
    : [
        sent,
        ...refused(task, deployed.error ?? 'Not deployed'),
        ...comment(task, `deploy_failed:${event.release}`, deployFailedComment(deployed)),
      ]
}

function bisected(
  task: Task,
  { release, bisected: found }: Extract<TaskEvent, { type: 'release.bisected' }>,
): EffectIntent[] {
  const row = task.releases.find(({ index }) => index === release)?.bisect?.row ?? release
  return comment(task, `bisected:${release}`, bisectedComment(task, row, found), [], teamOf(task))
}

/** What waits elsewhere to deploy it is told that it may not. */
export function refused(task: Task, why: string): EffectIntent[] {
  const release = task.releases.at(-1)
  const settings = release && task.settings.environments[release.environment]
  const sha = release?.plan?.sha ?? release?.ref
  const isDone = release?.deployed?.ok && release.deployed.carriedBy === undefined
  if (!settings || !sha || !isAwaited(settings) || isDone) return []
  return [refusal(task, String(release.index), { sha, environment: release.environment }, why)]
}

/** Nobody wants it any more, nor what was to follow it. */
function unwanted(task: Task): EffectIntent[] {
  const why = 'Cancelled'
  const followers = (task.awaiting ?? []).map(({ environment, ref: sha, awaits }) =>
    refusal(task, `awaiting:${environment}:${awaits.run}`, { sha, environment }, why),
  )
  return [...refused(task, why), ...followers]
}

function refusal(
  task: Task,
  name: string,
  what: { readonly sha: string; readonly environment: string },
  why: string,
): EffectIntent {
  const body = { kind: 'deployment.refuse' as const, place: place(task), ...what, description: cutLine(why, 130) }
  return { key: `deployment:${name}:refuse`, body }
}

/** A release that has a share of the requests is on its way. */
function shared(task: Task, { index, deployed, plan }: Task['releases'][number], id: number): EffectIntent {
  const watched = duration((plan?.watchSeconds ?? 0) * 1000)
  const text = `Given ${deployed?.percent ?? 0} % of the requests; watching for ${watched}`
  const { body } = status(task, index, id, 'in_progress', text, deployed?.url, deployed?.releaseId)
  return { key: `deployment:${index}:share`, body }
}

/** It is live with another one, whose deployment shows that. */
function carried(
  task: Task,
  { index, deploymentId: id, turn }: Task['releases'][number],
  deployed: Deployed,
): EffectIntent[] {
  const text = `Live with ${deployed.carriedBy ?? ''}`
  return [
    ...(id === undefined ? [] : [status(task, index, id, 'inactive', text, undefined, undefined)]),
    ...refused(task, text),
    ...rewritten(task, `turn:${index}:${turn?.nth ?? 1}`, carriedComment(deployed)),
  ]
}

/** Nobody is told of a turn that came at once. */
function turned(
  task: Task,
  { release: index, nth, turn }: Extract<TaskEvent, { type: 'release.turn' }>,
): EffectIntent[] {
  const release = task.releases.find((one) => one.index === index)
  if (!release) return []
  const { deploymentId } = release
  const isTold = turn.state === 'waits' || release.hasWaited === true
  return [
    ...(isTold ? rewritten(task, `turn:${index}:${nth}`, turnComment(task, release, turn)) : []),
    ...(deploymentId === undefined ? [] : [underway(task, release, deploymentId)]),
  ]
}

/** Whoever looks at the deployment on GitHub sees whether it waits. */
function underway(task: Task, { index, turn }: Task['releases'][number], id: number): EffectIntent {
  return turn?.state === 'waits' || turn?.state === 'asked'
    ? status(task, index, id, 'queued', 'Waiting for its turn on the environment', undefined, undefined)
    : status(task, index, id, 'in_progress', 'Deploying', undefined, undefined)
}

/** What said that it waits does not say so for ever. */
function outOfLine(task: Task): EffectIntent[] {
  const { turn, hasWaited, deployed, index, environment } = task.releases.at(-1) ?? {}
  if (!turn || !hasWaited || deployed || index === undefined) return []
  const document = [paragraph(say`⏹️ It does not wait for ${environment ?? ''} any more.`)]
  return rewritten(task, `turn:${index}:${turn.nth}`, document)
}

/** An approval that was taken back before anything began. */
function withdrawn(task: Task): EffectIntent[] {
  const release = task.releases.at(-1)
  if (release?.deploymentId === undefined || release.deployed) return []
  return [status(task, release.index, release.deploymentId, 'failure', 'Rejected', undefined, undefined)]
}

/** Whoever looks at the deployment on GitHub sees what came of it: a release that got worse is no success there. */
function verdict(task: Task, report: ReleaseReport, index: number, id: number): EffectIntent {
  const { verdict: what, reasons, url } = report
  const state = what === 'regressed' || report.canary?.end === 'back' ? 'failure' : 'success'
  const text = `${what[0]?.toUpperCase() ?? ''}${what.slice(1)}: ${reasons[0] ?? ''}`
  const releaseId = task.releases.find((one) => one.index === index)?.deployed?.releaseId
  const { body } = status(task, index, id, state, text, url, releaseId)
  return { key: `deployment:${index}:verdict`, body }
}

/** What came of taking it back; where that failed, people are called. */
function rolledBack(
  task: Task,
  { release: index, rolledBack: back }: Extract<TaskEvent, { type: 'release.rolled_back' }>,
): EffectIntent[] {
  const release = task.releases.find((one) => one.index === index)
  if (!release) return []
  const { deploymentId, recalledBy } = release
  const mend = mendOf(task, release)
  const said = comment(
    task,
    `rolled_back:${index}`,
    rolledBackComment(task, release, back),
    [],
    back.ok ? [] : teamOf(task),
  )
  const news = mend ? [...said, mend] : said
  if (deploymentId === undefined || !recalledBy || !back.isSwitched) return news
  const { body } = status(
    task,
    index,
    deploymentId,
    'failure',
    `Taken back by ${recalledBy.login}`,
    undefined,
    undefined,
  )
  return [{ key: `deployment:${index}:verdict`, body }, ...news]
}

/** Whoever asked for the work, and whoever asked for the release. */
function teamOf({ origin, releases }: Task): Person[] {
  const people = [origin.requester, ...releases.slice(-1).map(({ requester }) => requester)]
  return people.filter(({ id }, index) => id !== 0 && people.findIndex((one) => one.id === id) === index)
}

/** A deploy that was cancelled on its way is no longer in progress on GitHub. */
function cancelled(task: Task): EffectIntent[] {
  const release = task.releases.at(-1)
  if (release?.deploymentId === undefined || release.deployed) return []
  return [status(task, release.index, release.deploymentId, 'failure', 'Cancelled', undefined, undefined)]
}

/** The report; where no diagrams are drawn, with the watch as a picture, in one message. */
function reported(task: Task, { index, report }: Task['releases'][number], document: Document): EffectIntent[] {
  const news = comment(task, `report:${index}`, document)
  if (!report || report.series.length === 0) return news
  const { environment, sha, series } = report
  const title = `${environment} at ${sha.slice(0, 7)}: the watch`
  return news.map(({ key, body }) =>
    body.kind === 'message' && channelTraits(body.surface.channel).pictures
      ? { key, body: { kind: 'chart', place: body.place, surface: body.surface, title, document, series } }
      : { key, body },
  )
}

/** The plan's comment is written in the same breath as its gate opens, so it already says what is asked. */
function withGate(task: Task, found: Task['releases'][number]): Task {
  const { plan } = found
  if (!plan || plan.approval === 'none') return task
  return {
    ...task,
    gates: [{ kind: 'deploy', hash: plan.hash, sha: plan.sha, environment: plan.environment, openedAt: 0 }],
  }
}

function reportTime(task: Task): number {
  const watch = task.steps.findLast((step) => step.kind === 'watch')
  return watch?.endedAt ?? Math.max(task.openedAt, watch?.startedAt ?? 0)
}

function deployment(task: Task): EffectIntent[] {
  const found = task.releases.at(-1)
  if (!found?.plan || !isDeployApproved(task, found.plan)) return []
  const { sha, environment, hash } = found.plan
  return [
    {
      key: `deployment:${found.index}`,
      body: { kind: 'deployment.create', place: place(task), release: found.index, sha, environment, planHash: hash },
    },
  ]
}

function status(
  task: Task,
  index: number,
  deploymentId: number,
  state: Extract<EffectBody, { kind: 'deployment.status' }>['state'],
  description: string,
  environmentUrl: string | undefined,
  releaseId: string | undefined,
): EffectIntent {
  return {
    key: `deployment:${index}:${state}`,
    body: {
      kind: 'deployment.status',
      place: place(task),
      deploymentId,
      state,
      description: cutLine(description, 130),
      environmentUrl,
      releaseId,
    },
  }
}
