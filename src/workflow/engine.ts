import type { Decision, TaskCommand } from '../core/task/commands.ts'
import { complete, decide, type Outcome } from '../core/task/decide.ts'
import { nextTimer, readySteps } from '../core/task/steps.ts'
import type { Task, TaskEvent } from '../core/task/types.ts'
import { Conflict, type Store } from '../store/types.ts'
import type { Queue } from '../queue/types.ts'
import type { Extra, Workflow } from './types.ts'

const MAX_CONFLICTS = 20

export interface EngineDeps {
  readonly store: Pick<Store, 'tasks'>
  readonly queue: Pick<Queue, 'add'>
  readonly now: () => number
  /** The delivery that led here, for the log. */
  readonly cause: () => string | undefined
  /** Told after every commit, with the new state. */
  readonly onCommit: (task: Task) => void
}

/** The engine with what recovery needs on top. */
export interface Engine extends Workflow {
  /** Puts into the queue whatever the task's state says is to be done. */
  schedule(task: Task): Promise<void>
}

/**
 * Load, decide, write events and effects in one transaction, then hand ready steps to the queue. Two writers of one task
 * never both succeed: the loser decides again on the new state.
 */
export function createEngine(deps: EngineDeps): Engine {
  async function write(outcome: Outcome, basedOn: number, at: number, extra: Extra = {}): Promise<void> {
    const { task, events, effects, decision } = outcome
    const { inbound, ...rest } = extra
    const links = [...(rest.links ?? []), ...linksOf(task, events)]
    await deps.store.tasks.commit({
      ...rest,
      task,
      basedOn,
      events,
      effects,
      at,
      links,
      ...(inbound ? { inbound: { ...inbound, decision } } : {}),
    })
    deps.onCommit(task)
    await schedule(task)
  }

  async function apply(taskId: string, command: TaskCommand, extra?: Extra): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      const task = await deps.store.tasks.get(taskId)
      if (!task) throw new Error(`there is no task ${taskId}`)
      const at = deps.now()
      const outcome = decide(task, command, at)
      try {
        await write(outcome, task.version, at, extra)
        return outcome
      } catch (error) {
        if (!(error instanceof Conflict) || attempt >= MAX_CONFLICTS) throw error
      }
    }
  }

  async function open(events: readonly TaskEvent[], decision: Decision, extra?: Extra): Promise<Outcome> {
    const at = deps.now()
    const outcome = complete(undefined, { events, decision }, at)
    await write(outcome, 0, at, extra)
    return outcome
  }

  async function schedule(task: Task): Promise<void> {
    for (const step of readySteps(task))
      await deps.queue.add({
        name: 'step',
        taskId: task.id,
        step: step.id,
        attempt: step.attempt + 1,
        delivery: deps.cause(),
      })
    const due = nextTimer(task)
    if (due !== undefined)
      await deps.queue.add({ name: 'wake', taskId: task.id, dueAt: due, delivery: deps.cause() }, due - deps.now())
  }

  return { apply, open, schedule, get: (taskId) => deps.store.tasks.get(taskId) }
}

/** The pull request's thread belongs to the same conversation from the moment it exists. */
function linksOf(task: Task, events: readonly TaskEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'pr.opened' ? [`github:${task.origin.repository.id}#${event.pullRequest.number}`] : [],
  )
}
