import { hashOf } from '../hash.ts'
import type { Step, Task, TaskEvent, TaskStatus, WorkflowName } from './types.ts'

/** A task may wait for others: a step that asked for some ends once all of them have. Each is a task of its own, with an issue of its own. */

/** What is asked for. */
export interface ChildRequest {
  readonly workflow: WorkflowName
  /** What its issue is called. */
  readonly title: string
  readonly body: string
  /** What is wanted, in words, as if somebody had said it. */
  readonly request?: string | undefined
  /** At most so much, dollars; undefined: its part of what the step may cost. */
  readonly budgetUsd?: number | undefined
}

/** A task that another one waits for. */
export interface Child extends ChildRequest {
  readonly id: string
  readonly budgetUsd: number
  /** Its issue, once there is one. */
  readonly url?: string | undefined
  /** How it ended; undefined while it has not. */
  readonly ended?: ChildEnd | undefined
}

export interface ChildEnd {
  readonly status: Exclude<TaskStatus, 'working' | 'waiting'>
  readonly outcome: string
  readonly costUsd: number
}

/** More at once would be a flood of issues. */
export const MAX_CHILDREN = 20
/** A task may wait for one that waits for another, and no further: what asks for its own kind would never end. */
export const MAX_DEPTH = 2

/** The same however often it is derived: a child is opened once. */
export function childId(task: string, step: string, attempt: number, nth: number): string {
  const hash = hashOf({ task, step, attempt, nth })
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-')
}

/** Whether a step waits for other tasks, and nobody works on it meanwhile. */
export function waitsForChildren({ status, children }: Pick<Step, 'status' | 'children'>): boolean {
  return status === 'running' && children !== undefined
}

/** The children that have not ended. */
export function openChildren({ children = [] }: Pick<Step, 'children'>): readonly Child[] {
  return children.filter(({ ended }) => ended === undefined)
}

export type ChildEvent = Extract<TaskEvent, { type: `child.${string}` }>

/** What becomes of the steps. */
export function changeChildren(task: Task, event: ChildEvent): Task {
  const steps = task.steps.map((step) => (step.id === event.step ? changed(step, event) : step))
  return { ...task, steps }
}

function changed(step: Step, event: ChildEvent): Step {
  switch (event.type) {
    case 'child.wanted':
      return { ...step, children: event.children }
    case 'child.seen':
      return withChild(step, event.child, { url: event.url })
    case 'child.ended':
      return { ...withChild(step, event.child, { ended: event.end }), costUsd: step.costUsd + event.end.costUsd }
  }
}

function withChild(step: Step, id: string, more: Partial<Child>): Step {
  return { ...step, children: (step.children ?? []).map((child) => (child.id === id ? { ...child, ...more } : child)) }
}
