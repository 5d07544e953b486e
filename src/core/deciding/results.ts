import type { Elsewhere } from '../elsewhere.ts'
import type { Deployed, Design, Patch, Spec } from '../artefacts.ts'
import type { RepositorySettings } from '../settings.ts'
import { isSentAgain, traitsOf } from '../effecttable.ts'
import { hashOf } from '../hash.ts'
import { mayPublish, planHash } from '../policy.ts'
import { countsText } from '../review/counts.ts'
import { withoutKnown } from '../review/sift.ts'
import { wantChildren } from './children.ts'
import { accepted, type Decided, ignored, type StepResult, type TaskCommand } from './commands.ts'
import { gateAt, isActive, stepById } from '../task/steps.ts'
import { allowedIn } from '../task/publishing.ts'
import type { Step, Task, TaskEvent } from '../task/types.ts'

type ResultCommand = Extract<
  TaskCommand,
  { type: 'step.result' | 'step.error' | 'step.park' | 'step.doing' | 'budget' | 'effect.done' | 'effect.failed' }
>

/** Decides what a step's result, its failure, or a sent effect means for the task. */
export function decideStep(task: Task, command: ResultCommand): Decided {
  switch (command.type) {
    case 'step.error':
      return accepted(
        'step_failed',
        [
          {
            type: 'step.failed',
            step: command.step,
            error: command.error,
            ...(command.patch ? { patch: command.patch } : {}),
          },
        ],
        command.error.message,
      )
    case 'step.park':
      return accepted('step_parked', [
        { type: 'step.parked', step: command.step, why: command.why, until: command.until },
      ])
    case 'step.doing':
      return accepted('step_doing', [
        { type: 'step.doing', step: command.step, doing: command.doing, since: command.since },
      ])
    case 'budget':
      return overBudget(task, command.step, command.patch)
    case 'step.result':
      return finished(task, command.step, command.result)
    case 'effect.done':
      return effectDone(task, command)
    case 'effect.failed':
      return effectFailed(task, command)
  }
}

/** The work so far is kept on a branch, and people are asked whether to go on. */
function overBudget(task: Task, step: string, patch: Patch | undefined): Decided {
  const reached: TaskEvent = { type: 'budget.reached', step, patch: patch?.diff ? patch : undefined }
  // What is kept for others that are under way may be there again once they have ended: it waits for them, and people for nothing.
  const isShared = task.steps.some((one) => one.status === 'running' && one.id !== step && one.capUsd !== undefined)
  if (isShared || gateAt(task, 'budget')) return accepted('budget_reached', [reached])
  return accepted('budget_reached', [reached, { type: 'gate.opened', gate: { kind: 'budget', step }, beside: true }])
}

function finished(task: Task, id: string, result: StepResult): Decided {
  const step = stepById(task, id)
  if (!step) return ignored('unknown_step')
  const done: TaskEvent = { type: 'step.finished', step: id }
  switch (result.kind) {
    case 'baseline':
      return accepted(
        'baseline_made',
        [{ type: 'baseline.made', baseline: result.baseline }, done],
        result.baseline.found,
      )
    case 'spec':
      return accepted('spec_written', [{ type: 'spec.written', spec: stillOfItsKind(task, result.spec) }, done])
    case 'plan': {
      const spec = stillOfItsKind(task, result.spec)
      const isDesigned = result.design !== undefined && spec.kind !== 'question' && spec.questions.length === 0
      return accepted('plan_written', [
        { type: 'spec.written', spec },
        ...(isDesigned && result.design ? [designed(spec, result.design, result.elsewhere)] : []),
        done,
      ])
    }
    case 'answer':
      return accepted('answer_written', [{ type: 'answer.written', answer: result.answer }, done])
    case 'survey': {
      const { decision, events } = patchMade(task, step, result.patch)
      return { decision, events: [{ type: 'repository.surveyed', survey: result.survey }, ...events] }
    }
    case 'review': {
      const reviewed = withoutKnown(task.reviews ?? [], result.reviewed)
      return accepted('reviewed', [{ type: 'pull.reviewed', step: id, reviewed }, done], countsText(reviewed.findings))
    }
    case 'artefact':
      return accepted('artefact_made', [{ type: 'artefact.made', step: id, artefact: result.artefact }, done])
    case 'children':
      return wantChildren(task, step, result.children)
    case 'design':
      return task.spec
        ? accepted('design_written', [designed(task.spec, result.design, result.elsewhere), done])
        : ignored('no_spec')
    case 'patch':
      return patchMade(task, step, result.patch)
    case 'proof':
      return accepted('proof_made', [{ type: 'proof.made', proof: result.proof }, done])
    case 'triage': {
      const causes = result.judged.map(({ name, cause }) => `${name}: ${cause}`).join(', ')
      return accepted('checks_judged', [{ type: 'checks.judged', step: id, judged: result.judged }, done], causes)
    }
    default:
      return releaseResult(task, step, result, done)
  }
}

function designed(spec: Spec, design: Design, elsewhere: readonly Elsewhere[] | undefined): TaskEvent {
  const found = elsewhere && elsewhere.length > 0 ? { elsewhere } : {}
  return { type: 'design.written', design, planHash: planHash(spec, design), ...found }
}

/** What was taken for a change stays one: an answer, or words about a plan, do not end it with an answer. */
function stillOfItsKind({ spec: before }: Task, spec: Spec): Spec {
  return before && before.kind !== 'question' && spec.kind === 'question' ? { ...spec, kind: before.kind } : spec
}

type ReleaseResult = Extract<
  StepResult,
  { kind: 'release_plan' | 'bisected' | 'gated' | 'deployed' | 'looked' | 'report' | 'rolled_back' }
>

function releaseResult(task: Task, step: Step, result: ReleaseResult, done: TaskEvent): Decided {
  const release = step.release ?? 0
  const known = task.releases.find(({ index }) => index === release)
  switch (result.kind) {
    case 'release_plan':
      return accepted('release_planned', [
        ...readAnew(task, result.settings),
        { type: 'release.planned', release, plan: result.plan },
        done,
      ])
    case 'bisected':
      return accepted('bisected', [
        ...readAnew(task, result.settings),
        { type: 'release.bisected', release, bisected: result.bisected },
        done,
      ])
    case 'gated':
      return accepted('gates_wait', [
        { type: 'step.parked', step: step.id, why: 'deploy_gate', until: result.until },
        // Told when something else holds it up than before.
        ...(hashOf(result.gates) === hashOf(known?.gated ?? [])
          ? []
          : [{ type: 'release.gated', release, gates: result.gates } as const]),
      ])
    case 'looked':
      return accepted('looked', [
        { type: 'release.looked', release, watch: result.watch },
        { type: 'step.parked', step: step.id, why: 'watch', until: result.until },
      ])
    case 'report':
      return accepted('release_watched', [done, { type: 'release.watched', release, report: result.report }])
    case 'rolled_back':
      return accepted('rolled_back', [done, { type: 'release.rolled_back', release, rolledBack: result.rolledBack }])
    case 'deployed':
      return deployed(step, release, result.deployed, done)
  }
}

/** The settings that a plan rests on, where they are others than those of before. */
function readAnew(task: Task, settings: RepositorySettings | undefined): TaskEvent[] {
  return settings && hashOf(settings) !== hashOf(task.settings) ? [{ type: 'settings.read', settings }] : []
}

function deployed(step: Step, release: number, deployed: Deployed, done: TaskEvent): Decided {
  const end: TaskEvent = deployed.ok
    ? done
    : {
        type: 'step.failed',
        step: step.id,
        error: { code: 'deploy_failed', message: deployed.error ?? 'the new release did not start' },
      }
  return accepted(deployed.ok ? 'deployed' : 'deploy_failed', [{ type: 'release.deployed', release, deployed }, end])
}

/** Deterministic code, not the model, decides what may be published. */
function patchMade(task: Task, step: Step, patch: Patch): Decided {
  const made: TaskEvent = { type: 'patch.made', step: step.id, patch }
  const done: TaskEvent = { type: 'step.finished', step: step.id }
  if (step.kind === 'part') return partMade(task, step, patch, done)
  if (patch.diff === '') return withoutChange(step, patch, made, done)
  const ruling = mayPublish(patch.files, Buffer.byteLength(patch.diff), allowedIn(task))
  if (!ruling.ok)
    return accepted(
      ruling.reason,
      [made, { type: 'step.failed', step: step.id, error: { code: ruling.reason, message: ruling.detail } }],
      ruling.detail,
    )
  return accepted('patch_made', [made, done])
}

/** A part is pushed with the others. One that needed no change is done; what may not be published ends here as well. */
function partMade(task: Task, step: Step, patch: Patch, done: TaskEvent): Decided {
  const ruling = mayPublish(patch.files, Buffer.byteLength(patch.diff), allowedIn(task))
  const made: TaskEvent = { type: 'part.made', step: step.id, patch }
  if (ruling.ok) return accepted('part_made', [made, done])
  const error = { code: ruling.reason, message: ruling.detail }
  return accepted(ruling.reason, [{ type: 'step.failed', step: step.id, error }], ruling.detail)
}

function withoutChange(step: Step, patch: Patch, made: TaskEvent, done: TaskEvent): Decided {
  const isReview = step.rework?.why === 'review'
  if (isReview)
    return accepted('review_answered', [
      made,
      done,
      { type: 'review.answered', answers: patch.answers, sha: undefined },
    ])
  const reason = `SD changed nothing. It says: ${(patch.note.notDone || patch.note.summary).replace(/\.$/, '')}`
  return accepted('nothing_changed', [made, done, { type: 'task.handed_off', reason }])
}

function effectDone(task: Task, command: Extract<TaskCommand, { type: 'effect.done' }>): Decided {
  const { body, result } = command
  // What was on its way when the task ended is a fact, but nothing follows from it.
  const over = task.status === 'cancelled' || task.status === 'handed_off'
  if (over && body.kind !== 'pr.open') return accepted('effect_done', [])
  if (body.kind === 'git.push' && result.sha) return accepted('pushed', pushed(task, body, result.sha))
  if (body.kind === 'pr.open' && result.number && result.nodeId && result.url) {
    const pullRequest = { number: result.number, nodeId: result.nodeId, url: result.url, draft: body.draft !== false }
    return accepted('pr_opened', [{ type: 'pr.opened', pullRequest }])
  }
  if (body.kind === 'issue.open' && result.number && result.url)
    return accepted('issue_opened', [{ type: 'issue.opened', number: result.number, url: result.url }])
  if (body.kind === 'pr.ready') return accepted('pr_ready', [{ type: 'pr.ready' }])
  // Of a deploy that was cancelled meanwhile nothing follows.
  if (body.kind === 'deployment.create' && (!isActive(task) || body.release !== task.releases.length))
    return accepted('effect_done', [])
  if (body.kind === 'deployment.create' && result.id)
    return accepted('deployment_created', [
      { type: 'deployment.created', release: body.release, deploymentId: result.id },
    ])
  return accepted('effect_done', [])
}

type Push = Extract<TaskEvent, { type: 'branch.pushed' }>
type PushBody = Extract<Extract<TaskCommand, { type: 'effect.done' }>['body'], { kind: 'git.push' }>

function pushed(task: Task, body: PushBody, sha: string): TaskEvent[] {
  if (body.wip) return [{ type: 'wip.pushed', branch: body.branch, sha, step: body.step }]
  const push: Push = { type: 'branch.pushed', branch: body.branch, headSha: sha, step: body.step }
  const step = stepById(task, body.step)
  const answers = step?.rework?.why === 'review' ? (task.patches.at(-1)?.answers ?? []) : []
  return answers.length > 0 ? [push, { type: 'review.answered', answers, sha }] : [push]
}

/** An effect that can never be sent ends in the thread's sight, where the work depends on it. */
function effectFailed(task: Task, command: Extract<TaskCommand, { type: 'effect.failed' }>): Decided {
  const { kind, error, body } = command
  const { words: what } = traitsOf(kind)
  if (!what || task.status === 'cancelled' || task.status === 'handed_off') return accepted('effect_failed', [], error)
  const handOff: TaskEvent = { type: 'task.handed_off', reason: `${what} failed: ${error}` }
  if (body.kind === 'deployment.create')
    return accepted('effect_failed', [notDeployed(task, body.release, error)], error)
  if (isSentAgain(kind)) return accepted('effect_failed', [{ type: 'effect.lost', kind }, handOff], error)
  return accepted('effect_failed', [handOff], error)
}

/** Without the platform's record nothing is deployed. */
function notDeployed(task: Task, release: number, error: string): TaskEvent {
  const plan = task.releases.find(({ index }) => index === release)?.plan
  const deployed = {
    environment: plan?.environment ?? '',
    sha: plan?.sha ?? '',
    ok: false,
    url: plan?.url ?? '',
    releaseId: '',
    previousSha: plan?.liveSha,
    log: '',
    error: `the deployment could not be recorded on GitHub: ${error}`,
  }
  return { type: 'release.deployed', release, deployed }
}
