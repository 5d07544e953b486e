import { changeChildren } from './children.ts'
import { changeMade } from './made.ts'
import { withTurn } from '../environments/wanted.ts'
import { isDeployApproved } from '../policy.ts'
import { mayBeReviewed } from '../proof.ts'
import type { Patch } from '../artefacts.ts'
import { changeBaseline, changeGate, changeSurfaces, sentAgain } from './gates.ts'
import { addedStep } from './steps.ts'
import { changeReleases, changeReview } from './changes.ts'
import type { Awaiting, Step, Task, TaskEvent } from './types.ts'

type Opened = Extract<TaskEvent, { type: 'task.opened' }>

/**
 * The state after one more event. Pure: a stored history always folds to the same state.
 * @throws for an event that this version does not know
 * @param at when it happened, ms since the epoch
 */
export function evolve(task: Task | undefined, event: TaskEvent, at: number): Task {
  if (event.type === 'task.opened') return open(event, at)
  if (!task) throw new Error(`a task's first event is task.opened, not ${event.type}`)
  return settle(withTurn({ ...change(task, event, at), version: task.version + 1 }))
}

/** The state after a whole history. */
export function replay(history: readonly { readonly event: TaskEvent; readonly at: number }[]): Task | undefined {
  return history.reduce<Task | undefined>((task, { event, at }) => evolve(task, event, at), undefined)
}

function open(event: Opened, at: number): Task {
  return {
    id: event.id,
    conversationId: event.conversationId,
    version: 1,
    status: 'working',
    workflow: event.workflow,
    origin: event.origin,
    settings: event.settings,
    openedAt: at,
    finishedAt: undefined,
    budgetUsd: event.settings.budgetUsd,
    steps: [],
    notes: [],
    spec: undefined,
    answer: undefined,
    design: undefined,
    planHash: undefined,
    forcePlanGate: event.forcePlanGate,
    gates: [],
    approvals: [],
    branch: undefined,
    baseSha: undefined,
    headSha: undefined,
    patches: [],
    pullRequest: undefined,
    wip: undefined,
    unpushed: undefined,
    failedChecks: [],
    lost: undefined,
    proofs: [],
    review: { pending: [], dueAt: undefined, ledger: [], reviewers: [] },
    merged: undefined,
    releases: [],
    outcome: undefined,
    ...(event.reviews ? { reviews: event.reviews } : {}),
    ...surfacesAtFirst(event),
  }
}

function surfacesAtFirst({ origin, linked = [] }: Opened): Pick<Task, 'surfaces'> {
  const all = [...(origin.surface ? [origin.surface] : []), ...linked]
  return all.length > 0 ? { surfaces: all } : {}
}

/** Whether something goes on by itself between two steps: a push, a pull request, the record of a deployment. Nobody is waited for. */
function onItsWay(task: Task): boolean {
  const { headSha, pullRequest, lost, merged, unpushed } = task
  if (lost) return false
  if (unpushed !== undefined) return true
  if (headSha !== undefined && !merged && !pullRequest) return true
  const isProved = task.proofs.some((proof) => proof.headSha === headSha && mayBeReviewed(proof.verdict))
  if (pullRequest?.draft && !merged && isProved) return true
  const release = task.releases.at(-1)
  if (!release?.plan || release.deployed || !isDeployApproved(task, release.plan)) return false
  const waits = release.turn?.state === 'asked' || release.turn?.state === 'waits'
  return release.deploymentId === undefined || waits
}

/** `waiting` (somebody is asked something, whatever else goes on) and `working` follow from the gates and the steps; the final states are set by their events. */
function settle(task: Task): Task {
  if (task.status !== 'working' && task.status !== 'waiting') return task
  const busy =
    task.steps.some((step) => step.status === 'running' || step.status === 'pending') ||
    task.review.pending.length > 0 ||
    onItsWay(task)
  return { ...task, status: task.gates.length > 0 || !busy ? 'waiting' : 'working' }
}

function change(task: Task, event: Exclude<TaskEvent, Opened>, at: number): Task {
  switch (event.type) {
    case 'issue.opened':
      return { ...task, origin: { ...task.origin, number: event.number, url: event.url } }
    case 'surface.linked':
    case 'surface.unlinked':
    case 'surface.troubled':
    case 'surface.mended':
      return changeSurfaces(task, event, at)
    case 'note.added':
      return { ...task, notes: [...task.notes, { by: event.by, text: event.text, at }] }
    case 'step.added':
    case 'step.started':
    case 'step.funded':
    case 'step.finished':
    case 'step.failed':
    case 'step.reset':
    case 'step.parked':
    case 'step.unparked':
    case 'step.doing':
      return {
        ...task,
        steps: changeSteps(task.steps, event, at),
        ...(event.type === 'step.failed' && task.unpushed === event.step ? { unpushed: undefined } : {}),
        ...reopened(task, event),
      }
    case 'turn.taken':
      return {
        ...task,
        steps: task.steps.map((step) =>
          step.id === event.step
            ? { ...restless(step), costUsd: step.costUsd + event.costUsd, turns: step.turns + 1 }
            : step,
        ),
      }
    case 'baseline.made':
    case 'baseline.settled':
      return changeBaseline(task, event, at)
    case 'spec.written':
    case 'answer.written':
    case 'pull.reviewed':
    case 'repository.surveyed':
    case 'design.written':
    case 'artefact.made':
    case 'plugin.missed':
    case 'plugin.found':
      return changeMade(task, event)
    case 'child.wanted':
    case 'child.seen':
    case 'child.ended':
      return changeChildren(task, event)
    case 'settings.read':
      return { ...task, settings: event.settings }
    case 'part.made':
      return task
    case 'gate.opened':
    case 'gate.approved':
    case 'gate.rejected':
    case 'gate.answered':
    case 'budget.extended':
      return changeGate(task, event, at)
    case 'budget.reached':
      return {
        ...task,
        steps: task.steps.map((step) =>
          step.id === event.step ? { ...step, status: 'pending' as const, endedAt: at } : step,
        ),
      }
    case 'effect.lost':
      return { ...task, lost: event.kind }
    case 'effect.again':
      return sentAgain(task)
    case 'task.cancelled':
    case 'task.handed_off':
    case 'task.finished':
      return ended(task, event, at)
    default:
      return changeWork(task, event, at)
  }
}

type WorkEvent = Extract<
  TaskEvent,
  {
    type:
      | `patch.${string}`
      | `branch.${string}`
      | `wip.${string}`
      | `pr.${string}`
      | `proof.${string}`
      | `check.${string}`
      | `checks.${string}`
      | `review.${string}`
      | `release.${string}`
      | `deployment.${string}`
  }
>

function changeWork(task: Task, event: WorkEvent, at: number): Task {
  switch (event.type) {
    case 'patch.made':
      return {
        ...task,
        patches: [...task.patches, withoutDiff(event.patch)],
        baseSha: task.baseSha ?? event.patch.baseSha,
        unpushed: event.patch.diff === '' ? undefined : event.step,
      }
    case 'branch.pushed':
      return {
        ...task,
        branch: event.branch,
        headSha: event.headSha,
        unpushed: event.step === '' ? task.unpushed : undefined,
        failedChecks: task.failedChecks.filter((check) => check.headSha === event.headSha),
      }
    case 'wip.pushed':
      return { ...task, wip: { branch: event.branch, sha: event.sha, step: event.step } }
    case 'check.failed':
      return { ...task, failedChecks: [...task.failedChecks, event.check] }
    case 'check.passed':
      return { ...task, failedChecks: task.failedChecks.filter(({ name }) => name !== event.name) }
    case 'checks.judged':
      return { ...task, judgedChecks: [...(task.judgedChecks ?? []), ...event.judged] }
    case 'pr.opened':
      return { ...task, pullRequest: event.pullRequest, lost: undefined }
    case 'pr.ready':
      return { ...task, pullRequest: task.pullRequest && { ...task.pullRequest, draft: false }, lost: undefined }
    case 'pr.merged':
      return { ...task, merged: { sha: event.sha, by: event.by, at } }
    case 'proof.made':
      return { ...task, proofs: [...task.proofs, event.proof] }
    case 'review.received':
    case 'review.taken':
    case 'review.answered':
      return { ...task, review: changeReview(task.review, event) }
    case 'release.awaited':
      return {
        ...task,
        awaiting: [...(task.awaiting ?? []).filter((one) => !isSameRun(one, event)), awaitingIn(event)],
      }
    case 'release.requested':
    case 'release.planned':
    case 'release.bisected':
    case 'release.entered':
    case 'release.turn':
    case 'release.gated':
    case 'release.deployed':
    case 'release.looked':
    case 'release.watched':
    case 'release.recalled':
    case 'release.rolled_back':
    case 'deployment.created':
      return {
        ...task,
        releases: changeReleases(task.releases, event),
        ...(event.type === 'release.requested' ? begun(task, event) : {}),
      }
    default:
      return unknownEvent(event)
  }
}

/** A release begins the work anew; of those that were to follow, those of work that had ended are wanted no more. */
function begun(
  { awaiting, finishedAt }: Task,
  { environment, awaits }: Extract<TaskEvent, { type: 'release.requested' }>,
): Partial<Task> {
  const follows = finishedAt === undefined ? (awaiting ?? []) : []
  const rest = awaits ? follows.filter((one) => !isSameRun(one, { environment, awaits })) : follows
  return { status: 'working', finishedAt: undefined, outcome: undefined, ...(awaiting && { awaiting: rest }) }
}

function awaitingIn({ environment, ref, by, awaits }: Awaiting): Awaiting {
  return { environment, ref, by, awaits }
}

function isSameRun(one: Awaiting, other: Pick<Awaiting, 'environment' | 'awaits'>): boolean {
  return one.awaits.run === other.awaits.run && one.environment === other.environment
}

/** What a newer version wrote is not passed over in silence. */
function unknownEvent(event: never): never {
  throw new Error(`not known to this version: ${JSON.stringify(event).slice(0, 200)}`)
}

function withoutDiff(patch: Patch): Omit<Patch, 'diff'> {
  const { diff: _, ...rest } = patch
  return rest
}

function ended(
  task: Task,
  event: Extract<TaskEvent, { type: 'task.cancelled' | 'task.handed_off' | 'task.finished' }>,
  at: number,
): Task {
  switch (event.type) {
    case 'task.cancelled':
      return finish(task, 'cancelled', 'cancelled', at)
    case 'task.handed_off':
      return finish(task, 'handed_off', event.reason, at)
    case 'task.finished':
      return finish(task, 'done', event.outcome, at)
  }
}

function finish(task: Task, status: Task['status'], outcome: string, at: number): Task {
  return {
    ...task,
    steps: cancelSteps(task.steps, at),
    unpushed: undefined,
    status,
    outcome,
    gates: [],
    finishedAt: at,
    review: { ...task.review, pending: [], dueAt: undefined },
  }
}

/** A retried step, or work added after the end, makes a task active again. */
function reopened(task: Task, event: TaskEvent): Partial<Task> {
  const active = event.type === 'step.reset' || event.type === 'step.added'
  return active && task.status !== 'cancelled' ? { status: 'working', finishedAt: undefined, outcome: undefined } : {}
}

type StepEvent = Extract<TaskEvent, { type: `step.${string}` }>

function changeSteps(steps: readonly Step[], event: StepEvent, at: number): readonly Step[] {
  if (event.type === 'step.added') {
    return [...steps, addedStep(event.step)]
  }
  return steps.map((step) => (step.id === event.step ? changeStep(step, event, at) : step))
}

function changeStep(step: Step, event: Exclude<StepEvent, { type: 'step.added' }>, at: number): Step {
  switch (event.type) {
    case 'step.parked': {
      const since = step.parked?.why === event.why ? step.parked.since : at
      return { ...restless(step), parked: { why: event.why, since, until: event.until } }
    }
    case 'step.unparked':
      return restless(step)
    case 'step.doing': {
      const { doing: _, ...rest } = step
      return event.doing ? { ...rest, doing: { ...event.doing, since: event.since } } : rest
    }
    case 'step.started':
      return {
        ...restless(step),
        status: 'running',
        attempt: event.attempt,
        startedAt: at,
        endedAt: undefined,
        error: undefined,
        ...(event.capUsd === undefined ? {} : { capUsd: event.capUsd }),
      }
    case 'step.funded':
      return { ...step, capUsd: event.capUsd }
    case 'step.finished':
      return { ...restless(step), status: 'done', endedAt: at }
    case 'step.failed':
      return { ...restless(step), status: 'failed', endedAt: at, error: event.error }
    case 'step.reset':
      return { ...restless(step), status: 'pending', error: undefined, endedAt: undefined }
  }
}

/** Something happened in it: it neither waits nor has been silent for long. */
function restless(step: Step): Step {
  const { parked: _, doing: __, ...rest } = step
  return rest
}

function cancelSteps(steps: readonly Step[], at: number): readonly Step[] {
  return steps.map((step) =>
    step.status === 'running' || step.status === 'pending'
      ? { ...restless(step), status: 'cancelled', endedAt: at }
      : step,
  )
}
