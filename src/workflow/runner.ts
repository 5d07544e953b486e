import { SUSPECT } from '../core/poison.ts'
import { waitsForChildren } from '../core/task/children.ts'
import { mayBegin } from '../core/task/schedule.ts'
import { stepById } from '../core/task/steps.ts'
import type { Task } from '../core/task/types.ts'
import { keepingCount, type Ended, withLease } from '../leases/suspects.ts'
import { type Apart, type ApartJob, type Claim, type Leases, Lost, Unwanted } from '../leases/types.ts'
import { Fenced } from '../store/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { perform, type StepDeps } from './steps.ts'

/** How often what others decided is looked at. */
const LOOK_MS = 2000

export interface RunnerDeps extends StepDeps {
  readonly leases: Leases
  readonly apart: Apart
}

/** Runs steps: starts or resumes them, and hands their results to the workflow. */
export interface StepRunner {
  run(taskId: string, stepId: string, attempt: number): Promise<void>
  /** Stops what runs for a task that does not want it any more. */
  reconcile(task: Task): void
  /** Stops everything; steps stay as running and are resumed from their journals by the next process. */
  stop(): Promise<void>
}

type StepJob = Parameters<StepRunner['run']>

interface Running {
  readonly taskId: string
  readonly step: string
  readonly attempt: number
  readonly controller: AbortController
  readonly done: Promise<unknown>
  seen?: number
}

/** The lease of a step. */
export function stepLease(taskId: string, step: string): string {
  return `step:${taskId}:${step}`
}

class Stopped extends Error {}

export function createStepRunner(deps: RunnerDeps): StepRunner {
  const running = new Map<string, Running>()
  const waiting = new Map<string, StepJob>()
  let stopping = false
  let timer: NodeJS.Timeout | undefined

  const run = onceAtATime(async (key, taskId, stepId, attempt): Promise<Ended | undefined> => {
    if (stopping) return undefined
    const controller = new AbortController()
    const done = withLease(deps.leases, stepLease(taskId, stepId), (claim) =>
      work(deps, taskId, stepId, attempt, claim, controller),
    )
    running.set(key, { taskId, step: stepId, attempt, controller, done })
    timer ??= setInterval(() => void look().catch(() => {}), LOOK_MS).unref()
    try {
      const turn = await done
      if (turn === 'later') waiting.set(key, [taskId, stepId, attempt])
      else waiting.delete(key)
      return turn
    } finally {
      running.delete(key)
      if (running.size === 0) {
        clearInterval(timer)
        timer = undefined
      }
    }
  })

  async function runAndNext(...step: StepJob): Promise<void> {
    if ((await run(...step)) === 'suspect') await nextSuspects()
  }

  /** One suspect after the other, as long as it is this process's turn; the sweeper would find them too, but only every few seconds one. */
  async function nextSuspects(): Promise<void> {
    for (let next = [...waiting][0]; next; next = [...waiting][0]) {
      waiting.delete(next[0])
      if ((await run(...next[1])) === 'later') return
    }
  }

  function reconcile(task: Task): void {
    for (const entry of running.values()) {
      if (entry.taskId !== task.id) continue
      const step = stepById(task, entry.step)
      if (step?.status === 'cancelled' || (step && step.attempt > entry.attempt)) entry.controller.abort(new Unwanted())
    }
  }

  /** What another process decided (a cancellation) ends what runs here. */
  async function look(): Promise<void> {
    const ids = [...new Set([...running.values()].map((entry) => entry.taskId))]
    const versions = await deps.store.tasks.versions(ids)
    for (const id of ids) {
      const entries = [...running.values()].filter((entry) => entry.taskId === id)
      const version = versions.get(id)
      if (version === undefined || entries.every((entry) => entry.seen === version)) continue
      for (const entry of entries) entry.seen = version
      const task = await deps.workflow.get(id)
      if (task) reconcile(task)
    }
  }

  return {
    run: runAndNext,
    reconcile,
    async stop() {
      stopping = true
      clearInterval(timer)
      for (const entry of running.values()) entry.controller.abort(new Stopped())
      await Promise.allSettled([...running.values()].map((entry) => entry.done))
    },
  }
}

/** A step once at a time; a job for it that comes meanwhile is looked at afterwards: the one before it may have been an old one. */
function onceAtATime<Result>(
  action: (key: string, ...job: StepJob) => Promise<Result | undefined>,
): (...job: StepJob) => Promise<Result | undefined> {
  const busy = new Set<string>()
  const again = new Map<string, StepJob>()
  return async (...job) => {
    const key = `${job[0]} ${job[1]}`
    if (busy.has(key)) {
      again.set(key, job)
      return undefined
    }
    busy.add(key)
    try {
      let result = await action(key, ...job)
      for (let next = again.get(key); next; next = again.get(key)) {
        again.delete(key)
        result = await action(key, ...next)
      }
      return result
    } finally {
      busy.delete(key)
      again.delete(key)
    }
  }
}

/** Works on a step while this process has its lease; nobody else does meanwhile. */
async function work(
  deps: RunnerDeps,
  taskId: string,
  stepId: string,
  attempt: number,
  claim: Claim,
  controller: AbortController,
): Promise<void> {
  const lost = () => controller.abort(claim.signal.reason)
  claim.signal.addEventListener('abort', lost, { once: true })
  try {
    crashPoint('claimed')
    await begin(deps, taskId, stepId, attempt, claim, controller.signal)
  } catch (error) {
    if (!(error instanceof Fenced) && !(controller.signal.reason instanceof Lost)) throw error
    deps.log('warn', 'a step was taken over by another worker', { task: taskId, step: stepId })
  } finally {
    claim.signal.removeEventListener('abort', lost)
    await claim.release().catch(() => {})
  }
}

/** Starts a pending step, or resumes one that an earlier process left running. Anything else is an old job: nothing to do. */
async function begin(
  deps: RunnerDeps,
  taskId: string,
  stepId: string,
  attempt: number,
  claim: Claim,
  signal: AbortSignal,
): Promise<void> {
  const { fence } = claim
  const now = { step: stepId, attempt, at: deps.now() }
  const known = await deps.workflow.known(taskId)
  // The start is decided on what is there by then; anything else is looked up.
  const found = known && waysOf(known, now) === 'start' ? known : await deps.workflow.get(taskId)
  const way = found && waysOf(found, now)
  if (!found || way === 'gone')
    return deps.log('warn', 'a job for a step that does not exist was dropped', { task: taskId, step: stepId })
  if (way === 'old') return
  let task = found
  if (way === 'start') {
    const outcome = await deps.workflow.apply(taskId, { type: 'step.start', step: stepId }, { fence })
    if (outcome.decision.reason !== 'step_started') return
    task = outcome.task
  }
  if (claim.crashes < SUSPECT) return perform(deps, task, stepId, attempt, claim, signal, way === 'start')
  deps.log('warn', 'a step is tried in a process of its own: processes ended while they worked on it', {
    task: taskId,
    step: stepId,
    crashes: claim.crashes,
  })
  const ended = await keepingCount(claim, () =>
    deps.apart({ kind: 'step', taskId, step: stepId, attempt }, claim, signal),
  )
  if (ended === 'poison' && !signal.aborted) await quarantine(deps, taskId, stepId, attempt, claim)
}

/** What a job for a step comes to: `old`: there is nothing to do for it any more, or not yet. */
function waysOf(
  task: Task,
  { step: id, attempt, at }: { readonly step: string; readonly attempt: number; readonly at: number },
): 'start' | 'resume' | 'old' | 'gone' {
  const step = stepById(task, id)
  if (!step) return 'gone'
  if (step.status === 'pending') return mayBegin(task, step) && step.attempt + 1 === attempt ? 'start' : 'old'
  if (step.status !== 'running' || step.attempt !== attempt || waitsForChildren(step)) return 'old'
  return step.parked && step.parked.until > at ? 'old' : 'resume'
}

/** Work that ended the process several times is left to people. */
async function quarantine(
  deps: RunnerDeps,
  taskId: string,
  step: string,
  attempt: number,
  { fence }: Claim,
): Promise<void> {
  deps.log('error', 'a step is quarantined: it ended its own process', { task: taskId, step })
  const message =
    "This step ends Muster's process each time it is tried, so it is not tried again by itself. The operator's log shows what happened."
  await deps.workflow.apply(
    taskId,
    { type: 'step.error', step, attempt, error: { code: 'quarantined', message } },
    { fence },
  )
}

/** The whole of what a process does for a suspected step that another one handed to it. @param claim the other's */
export async function workApart(
  deps: StepDeps,
  { taskId, step, attempt }: Extract<ApartJob, { kind: 'step' }>,
  claim: Claim,
  signal: AbortSignal,
): Promise<void> {
  const task = await deps.workflow.get(taskId)
  const found = task && stepById(task, step)
  if (task && found?.status === 'running' && found.attempt === attempt)
    await perform(deps, task, step, attempt, claim, signal, false)
}
