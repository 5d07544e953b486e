import { closedReply } from '../reply/answers.ts'
import type { Patch } from '../artefacts.ts'
import type { EffectIntent } from '../effects.ts'
import { mayPublish } from '../policy.ts'
import { mayBeReviewed } from '../proof.ts'
import { answerComment } from '../reply/plan.ts'
import { code, type Document, link, mono, paragraph, theirs, say, type Words } from '../reply/document.ts'
import { cutLine } from '../harmless.ts'
import { failedComment, handOffComment, readyComment } from '../reply/pull.ts'
import { missingText, parkedText } from '../reply/needed.ts'
import { checksJudged, pullReviewed } from './looks.ts'
import { nameOfStep } from '../reply/rows.ts'
import { buttonsOf } from '../reply/buttons.ts'
import { askedPeople, reviewersOf } from '../task/asked.ts'
import { mendsLine } from '../mending.ts'
import { childEffects } from './children.ts'
import { comment, place, pullPlace } from './places.ts'
import { isActive, stepById } from '../task/steps.ts'
import { allowedIn, branchName, NAMELESS, nameOf } from '../task/publishing.ts'
import { surfaceKey } from '../said.ts'
import { stepDefinition, workflowOf } from '../workflows/registry.ts'
import { readyKey, settledEffects } from './settled.ts'
import { refused, released } from './released.ts'
import { surfaceEffects } from './tickets.ts'
import { gateMessage } from './waiting.ts'
import { trunkOf } from '../task/origin.ts'
import type { LostKind, PullRequest, Task, TaskEvent } from '../task/types.ts'

/**
 * What is to be seen outside because of an event. Pure; keys are unique in the task, so nothing is shown twice.
 * @param at when it happened, ms since the epoch
 */
export function effectsOf(task: Task, event: TaskEvent, at: number): EffectIntent[] {
  return [
    ...(isQuiet(event) ? [] : cards(task)),
    ...opened(task, event),
    ...special(task, event),
    ...surfaceEffects(task, event),
    ...settledEffects(task, event, at),
    ...childEffects(task, event),
  ]
}

/** A look of a watch that goes on changes nothing that people see, nor does a gate that still waits; there are hundreds of them. */
function isQuiet(event: TaskEvent): boolean {
  return (
    event.type === 'release.looked' ||
    (event.type === 'step.parked' && (event.why === 'watch' || event.why === 'deploy_gate'))
  )
}

/** One status card on every surface. */
function cards(task: Task): EffectIntent[] {
  const here = place(task)
  const isShown = here.number > 0 && workflowOf(task).hasCard !== false
  const onGithub: EffectIntent[] = isShown ? [{ key: 'status', body: { kind: 'status.upsert', place: here } }] : []
  const elsewhere = (task.surfaces ?? []).map(
    (surface): EffectIntent => ({
      key: `card:${surfaceKey(surface)}`,
      body: { kind: 'card.upsert', place: here, surface },
    }),
  )
  return [...onGithub, ...elsewhere]
}

/** What was asked in a chat gets an issue, so that everybody finds it where the code is. */
function opened(task: Task, event: TaskEvent): EffectIntent[] {
  if (event.type === 'surface.unlinked' && isHomeless(task)) return [openIssue(task, `issue:${task.version}`)]
  if (event.type !== 'task.opened' || !task.origin.opensIssue) return []
  return [openIssue(task, 'issue')]
}

/** Nowhere is left where the task could be followed. */
function isHomeless(task: Task): boolean {
  return isActive(task) && place(task).number === 0 && (task.surfaces ?? []).length === 0
}

function openIssue(task: Task, key: string): EffectIntent {
  const { title, body, url, requester, mends } = task.origin
  const who = requester.login ? say`by ${requester.login} ` : ''
  const where = url ? link(url, 'this conversation') : say`a chat`
  const whence = mends
    ? say`Opened by itself after ${where}, since the settings of ${mends.environment} say so (\`mend\`).`
    : say`Asked ${who}in ${where}.`
  const document = [
    ...(body.trim() === '' ? [] : [paragraph(theirs(body))]),
    ...(mends?.log.trim() ? [paragraph('The last that it printed:'), code(mends.log)] : []),
    paragraph(whence),
  ]
  return { key, body: { kind: 'issue.open', place: place(task), title: cutLine(title, 100), document } }
}

function special(task: Task, event: TaskEvent): EffectIntent[] {
  switch (event.type) {
    case 'gate.opened':
      return gateOpened(task, event.gate)
    case 'answer.written':
      return comment(task, 'answer', answerComment(task))
    case 'pull.reviewed':
      return pullReviewed(task, event)
    case 'patch.made':
      return push(task, event, false)
    case 'budget.reached':
      return event.patch ? push(task, { ...event, patch: event.patch }, true) : []
    case 'branch.pushed':
      return branchPushed(task, event.headSha)
    case 'proof.made':
      return proofMade(task)
    case 'checks.judged':
      return checksJudged(task, event)
    case 'pr.ready':
      return readyNews(task)
    case 'step.failed':
      return [...(event.patch ? push(task, { ...event, patch: event.patch }, true) : []), ...stepFailed(task, event)]
    case 'step.parked':
      return stepParked(task, event)
    case 'review.answered':
      return event.answers.map((answer) => reviewAnswer(task, answer, event.sha))
    case 'plugin.missed':
      return comment(task, `missing:${task.version}`, [paragraph(missingText(task, event.plugin))])
    case 'plugin.found':
      return comment(task, `missing:${task.version}`, [
        paragraph(say`The plug-in ${mono(event.plugin, 40)} is there again; the work goes on.`),
      ])
    case 'artefact.made':
      return told(task, event.step)
    case 'effect.again':
      return sendAgain(task, event.kind)
    case 'task.cancelled':
      return [
        ...unfinishedCheck(task),
        ...(event.byClosing ? comment(task, `closed:${task.version}`, closedReply(task, event.by)) : []),
      ]
    case 'task.handed_off':
      return comment(task, `handoff:${task.version}`, handOffComment(task), buttonsOf(task), askedPeople(task))
    default:
      return released(task, event)
  }
}

/** What a plug-in's step has found, in its own words. */
function told(task: Task, id: string): EffectIntent[] {
  const step = stepById(task, id)
  const document = step && stepDefinition(task, step.kind).tells?.(task, step)
  return document ? comment(task, `artefact:${id}:${step.attempt}`, document) : []
}

function gateOpened(task: Task, gate: Extract<TaskEvent, { type: 'gate.opened' }>['gate']): EffectIntent[] {
  // The release plan is a comment of its own, sent when it is made (`released.ts`).
  const message = gate.kind === 'deploy' ? undefined : gateMessage(task, gate)
  return message ? comment(task, message.key, message.document, buttonsOf(task, gate), askedPeople(task, gate)) : []
}

type WithPatch = { readonly step: string; readonly patch: Patch }

function push(task: Task, { step, patch }: WithPatch, wip: boolean): EffectIntent[] {
  // The last gate before anything leaves, for finished and unfinished work alike: protected or oversized patches are never pushed.
  if (patch.diff === '' || !mayPublish(patch.files, Buffer.byteLength(patch.diff), allowedIn(task)).ok) return []
  const attempt = stepById(task, step)?.attempt ?? 1
  const refs =
    task.headSha || task.origin.isPullRequest || nameOf(task) === NAMELESS
      ? undefined
      : `Refs ${task.origin.number > 0 ? '#' : ''}${nameOf(task)}`
  const trailers = [refs, mendsLine(task.origin)].filter((one) => one !== undefined)
  const closing = trailers.length > 0 ? `\n\n${trailers.join('\n')}` : ''
  const message = wip
    ? `WIP: ${cutLine(task.spec?.title ?? task.origin.title, 60)}`
    : `${cutLine(patch.note.title, 72)}\n\n${patch.note.summary}${closing}`
  const branch = wip ? `${branchName(task)}-wip-${wipName(task, step, attempt)}` : (task.branch ?? branchName(task))
  return [
    {
      key: `push:${wip ? 'wip:' : ''}${step}:${attempt}`,
      body: {
        kind: 'git.push',
        place: place(task),
        branch,
        parentSha: patch.parentSha,
        diff: patch.diff,
        message,
        at: task.openedAt,
        step,
        wip,
      },
    },
  ]
}

/** Parts that end unfinished are kept side by side. */
function wipName(task: Task, step: string, attempt: number): string {
  const isPart = stepById(task, step)?.item !== undefined
  return isPart ? `${step.replaceAll(/\W/g, '-')}-${attempt}` : String(attempt)
}

/** A new head: its check run begins, and the pull request is opened or brought up to date. */
function branchPushed(task: Task, headSha: string): EffectIntent[] {
  const check: EffectIntent = {
    key: `check:${headSha}`,
    body: { kind: 'check.upsert', place: pullPlace(task), headSha },
  }
  const checks = isProved(task) ? [check] : []
  return task.pullRequest ? [...checks, pullBody(task)] : [openPull(task, 'pr'), ...checks]
}

/** Whether its pull request is to be proved. */
function isProved(task: Task): boolean {
  return workflowOf(task).steps.some(({ kind }) => kind === 'prove')
}

function openPull(task: Task, key: string): EffectIntent {
  const title = cutLine(task.patches[0]?.note.title ?? task.origin.title, 100)
  return {
    key,
    body: {
      kind: 'pr.open',
      place: place(task),
      branch: task.branch ?? '',
      base: trunkOf(task.origin),
      title,
      ...(isProved(task) ? {} : { draft: false as const }),
    },
  }
}

/** What could not be sent before, under a key of its own. */
function sendAgain(task: Task, kind: LostKind): EffectIntent[] {
  if (kind === 'issue.open') return [openIssue(task, `issue:${task.version}`)]
  if (kind === 'pr.open') return [openPull(task, `pr:${task.version}`)]
  return task.pullRequest ? [ready(task, task.pullRequest, `pr.ready:${task.version}`)] : []
}

/** A check run that nobody will conclude any more says so. */
function unfinishedCheck(task: Task): EffectIntent[] {
  const { headSha } = task
  const open =
    isProved(task) &&
    headSha !== undefined &&
    task.pullRequest !== undefined &&
    !task.proofs.some((proof) => proof.headSha === headSha)
  return open ? [{ key: `check:${headSha}`, body: { kind: 'check.upsert', place: pullPlace(task), headSha } }] : []
}

function pullBody(task: Task): EffectIntent {
  return { key: 'pr.body', body: { kind: 'pr.body.upsert', place: pullPlace(task) } }
}

/** Proved: out of draft the first time, then review is asked for again. */
function proofMade(task: Task): EffectIntent[] {
  const { pullRequest, headSha } = task
  const proof = task.proofs.at(-1)
  if (!pullRequest || !proof || !headSha) return []
  const shown: EffectIntent[] = [
    { key: `check:${proof.headSha}`, body: { kind: 'check.upsert', place: pullPlace(task), headSha: proof.headSha } },
    pullBody(task),
  ]
  if (!mayBeReviewed(proof.verdict) || proof.headSha !== headSha) return shown
  const next: EffectIntent = pullRequest.draft
    ? ready(task, pullRequest, 'pr.ready')
    : {
        key: `review.request:${headSha}`,
        body: {
          kind: 'review.request',
          place: pullPlace(task),
          reviewers: reviewersOf(task).map(({ login }) => login),
        },
      }
  return [...shown, next, ...(pullRequest.draft ? [] : readyNews(task))]
}

/** Edits notify nobody: whoever reviews is called. On GitHub the review is asked for. */
function readyNews(task: Task): EffectIntent[] {
  const { pullRequest } = task
  if (!pullRequest) return []
  const news = comment(task, readyKey(task), readyComment(task, pullRequest), [], reviewersOf(task))
  return news.filter(({ body }) => 'surface' in body)
}

function ready(task: Task, { nodeId }: PullRequest, key: string): EffectIntent {
  return {
    key,
    body: { kind: 'pr.ready', place: pullPlace(task), nodeId, reviewers: reviewersOf(task).map(({ login }) => login) },
  }
}

function stepFailed(task: Task, event: Extract<TaskEvent, { type: 'step.failed' }>): EffectIntent[] {
  const step = stepById(task, event.step)
  if (!step || step.kind === 'deploy') return []
  const waits = step.kind === 'release_plan' && task.releases.at(-1)?.awaits ? refused(task, event.error.message) : []
  const failed = failedComment(task, nameOfStep(task, step), event.error)
  const key = `failed:${step.id}:${step.attempt}`
  return [
    ...comment(task, key, failed, buttonsOf(task), askedPeople(task)),
    ...(step.rework?.why === 'review' ? onPull(task, key, failed) : []),
    ...waits,
  ]
}

/** Whoever reviews reads the pull request, which may not be the thread that the work was asked for in. */
function onPull(task: Task, key: string, document: Document): EffectIntent[] {
  const there = pullPlace(task)
  return there.number === place(task).number
    ? []
    : [{ key: `comment:${key}:pull`, body: { kind: 'comment', place: there, document } }]
}

/** An overloaded provider is shown on the status comment only; for a spending limit somebody has to do something. */
function stepParked(task: Task, event: Extract<TaskEvent, { type: 'step.parked' }>): EffectIntent[] {
  const since = stepById(task, event.step)?.parked?.since
  const text = parkedText(task)
  if (event.why !== 'model_credit' || since === undefined || !text) return []
  return comment(task, `parked:${event.step}:${since}`, [paragraph(text)], buttonsOf(task), askedPeople(task))
}

function reviewAnswer(
  task: Task,
  answer: { id: number; outcome: string; reply: string },
  sha: string | undefined,
): EffectIntent {
  const entry = task.review.ledger.find(({ comment: one }) => one.id === answer.id)
  const text = say`${leadOf(answer.outcome, sha)}${theirs(answer.reply)}`
  const key = `answer:${answer.id}`
  if (!entry?.comment.thread)
    return {
      key,
      body: {
        kind: 'comment',
        place: pullPlace(task),
        document: [paragraph(say`${entry ? say`To ${entry.comment.author.login}: ` : ''}${text}`)],
      },
    }
  return {
    key,
    body: { kind: 'review.reply', place: pullPlace(task), rootId: entry.comment.rootId, document: [paragraph(text)] },
  }
}

function leadOf(outcome: string, sha: string | undefined): Words {
  if (outcome === 'fixed' && sha) return say`Fixed in ${sha.slice(0, 7)}. `
  return outcome === 'declined' ? say`**Declined.** ` : ''
}
