import { runAgent } from '../agent/loop.ts'
import { messageOf, publicMessage, UserError } from '../core/errors.ts'
import { mayPublish, spent } from '../core/policy.ts'
import { backoffMs } from '../core/retry.ts'
import type { Tier } from '../core/settings.ts'
import { mayBegin, stepById } from '../core/task/steps.ts'
import type { Step, StepError, Task } from '../core/task/types.ts'
import { ModelError, type ModelProvider } from '../llm/types.ts'
import type { Releases } from '../releases/types.ts'
import { BudgetReached, type RoleJob, type StepContext, type StepHandler } from '../roles/types.ts'
import type { Store } from '../store/types.ts'
import type { Tool } from '../tools/types.ts'
import type { Permission } from '../tools/types.ts'
import type { Git } from '../workspace/types.ts'
import { journalOf } from './journal.ts'
import type { Workflow } from './types.ts'

const MAX_TURNS = 60
const MAX_AGENT_MS = 30 * 60_000
/** Unexpected errors are tried again so often before the step fails. */
const MAX_TRIES = 3

export interface RunnerDeps {
  readonly workflow: Workflow
  readonly store: Pick<Store, 'turns'>
  readonly provider: ModelProvider
  readonly models: Readonly<Record<Tier, { readonly model: string }>>
  readonly handlerFor: (kind: Step['kind']) => StepHandler
  readonly toolsFor: (permissions: readonly Permission[]) => Tool[]
  readonly git: Git
  readonly releases: Releases
  readonly setupNetwork: boolean
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** Runs steps: starts or resumes them, and hands their results to the workflow. */
export interface StepRunner {
  run(taskId: string, stepId: string, attempt: number): Promise<void>
  /** Stops what runs for a task that does not want it any more. */
  reconcile(task: Task): void
  /** Stops everything; steps stay as running and are resumed from their journals by the next process. */
  stop(): Promise<void>
}

class Stopped extends Error {}
class Unwanted extends Error {}

export function createStepRunner(deps: RunnerDeps): StepRunner {
  const running = new Map<
    string,
    { taskId: string; step: string; attempt: number; controller: AbortController; done: Promise<void> }
  >()
  let stopping = false

  async function run(taskId: string, stepId: string, attempt: number): Promise<void> {
    const key = `${taskId} ${stepId}`
    if (stopping || running.has(key)) return
    const controller = new AbortController()
    const done = begin(deps, taskId, stepId, attempt, controller.signal)
    running.set(key, { taskId, step: stepId, attempt, controller, done })
    try {
      await done
    } finally {
      running.delete(key)
    }
  }

  return {
    run,
    reconcile(task) {
      for (const entry of running.values()) {
        if (entry.taskId !== task.id) continue
        const step = stepById(task, entry.step)
        if (step?.status === 'cancelled' || (step && step.attempt > entry.attempt))
          entry.controller.abort(new Unwanted())
      }
    },
    async stop() {
      stopping = true
      for (const entry of running.values()) entry.controller.abort(new Stopped())
      await Promise.allSettled([...running.values()].map((entry) => entry.done))
    },
  }
}

/** Starts a pending step, or resumes one that an earlier process left running. Anything else is an old job: nothing to do. */
async function begin(
  deps: RunnerDeps,
  taskId: string,
  stepId: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const found = await deps.workflow.get(taskId)
  const step = found && stepById(found, stepId)
  if (!found || !step) return
  let task = found
  if (step.status === 'pending') {
    if (!mayBegin(task, step) || step.attempt + 1 !== attempt) return
    const outcome = await deps.workflow.apply(taskId, { type: 'step.start', step: stepId })
    if (outcome.decision.reason !== 'step_started') return
    task = outcome.task
  } else if (step.status !== 'running' || step.attempt !== attempt) return
  await perform(deps, task, stepId, attempt, signal)
}

async function perform(
  deps: RunnerDeps,
  task: Task,
  stepId: string,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const step = stepById(task, stepId)
  if (!step) return
  for (let attemptNumber = 1; ; attemptNumber++) {
    try {
      deps.log('info', 'step begins', { attempt })
      const result = await deps.handlerFor(step.kind)(contextOf(deps, task, step, attempt, signal))
      const { decision } = await deps.workflow.apply(task.id, { type: 'step.result', step: stepId, attempt, result })
      deps.log('info', 'step ended', { decision: decision.reason })
      return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof BudgetReached)
        return void (await deps.workflow.apply(task.id, { type: 'budget', step: stepId, attempt, patch: error.patch }))
      const expected = error instanceof UserError || error instanceof ModelError
      deps.log(expected ? 'warn' : 'error', 'step failed', {
        error: messageOf(error),
        cause: error instanceof Error ? messageOf(error.cause ?? '') : '',
        stack: expected || !(error instanceof Error) ? undefined : error.stack,
      })
      if (expected || attemptNumber >= MAX_TRIES)
        return void (await deps.workflow.apply(task.id, {
          type: 'step.error',
          step: stepId,
          attempt,
          error: stepError(error),
        }))
      await deps.sleep(backoffMs(attemptNumber, deps.random(), 1000))
    }
  }
}

const MODEL_HINTS = {
  busy: 'The model provider has been overloaded or out of reach for a while. `retry` tries again.',
  key: 'The model provider does not accept the key. The operator should check ANTHROPIC_API_KEY (and ANTHROPIC_BASE_URL), then `retry`.',
  credit: "The model provider's spending limit or credit is used up. The operator should raise it, then `retry`.",
  request: 'The model provider refused the request; the details are in the log.',
} as const

/** The voice for the thread. */
function stepError(error: unknown): StepError {
  if (error instanceof ModelError)
    return { code: `model_${error.kind}`, message: error.kind === 'story' ? error.message : MODEL_HINTS[error.kind] }
  return { code: error instanceof UserError ? error.code : 'internal', message: publicMessage(error) }
}

function contextOf(deps: RunnerDeps, task: Task, step: Step, attempt: number, signal: AbortSignal): StepContext {
  return {
    task,
    step,
    signal,
    git: deps.git,
    releases: deps.releases,
    setupNetwork: deps.setupNetwork,
    agent: async (job) => {
      const fresh = (await deps.workflow.get(task.id)) ?? task
      const limits = {
        turns: MAX_TURNS,
        ms: MAX_AGENT_MS,
        usd: fresh.budgetUsd - spent(fresh),
        capUsd: fresh.budgetUsd,
      }
      const agentJob = agentJobOf(deps, job, task, step, attempt)
      return runAgent(agentJob, {
        taskId: task.id,
        provider: deps.provider,
        journal: journalOf(deps, task.id, step.id, attempt),
        limits,
        signal,
        now: deps.now,
        sleep: deps.sleep,
        random: deps.random,
        onBusy: (message) => deps.log('warn', message),
      })
    },
  }
}

function agentJobOf<T>(deps: RunnerDeps, job: RoleJob<T>, task: Task, step: Step, attempt: number) {
  const { tier, permissions, checkout, ...rest } = job
  const { allow } = task.settings.protect
  const context = checkout && {
    checkout,
    timeoutMs: task.settings.checks.timeoutSeconds * 1000,
    mayWrite: (path: string) => mayPublish([path], 0, allow),
  }
  return {
    ...rest,
    role: step.role,
    step: step.id,
    attempt,
    model: deps.models[tier].model,
    tools: checkout ? deps.toolsFor(permissions) : [],
    context,
  }
}
