import { dependents, type Instance, type StepDefinition } from '../workflows/define.ts'
import { stepDefinition, workflowOf } from '../workflows/registry.ts'
import { isActive, stepById } from './steps.ts'
import type { Gate, NewStep, Step, StepKind, Task } from './types.ts'

/** What may begin, and what waits: a step begins when its needs are met and no open gate holds it up. Pure. */

/** Whether an open gate holds up what is done by steps of a kind. */
export function isKindHeld(task: Task, { kind, costs }: Pick<StepDefinition, 'kind' | 'costs'>): boolean {
  if (task.gates.length === 0) return false
  const workflow = workflowOf(task)
  return task.gates.some((gate) => {
    const holds = workflow.gates.find((one) => one.kind === gate.kind)?.holds
    // What is not known to be harmless is held up.
    if (holds === undefined) return true
    return holds === 'costs' ? costs || isReachedIn(task, gate, kind) : dependents(workflow, holds).has(kind)
  })
}

/** Whatever it was that reached the budget does not go on by itself. */
function isReachedIn(task: Task, gate: Gate, kind: StepKind): boolean {
  return gate.kind === 'budget' && stepById(task, gate.step)?.kind === kind
}

/** Whether an open gate holds up steps of a kind. */
export function isHeld(task: Task, kind: StepKind): boolean {
  return isKindHeld(task, stepDefinition(task, kind))
}

/** Why a pending step may or may not begin. Deterministic gates stand here, whatever the model says. */
export function mayBegin(task: Task, step: Step): boolean {
  if (step.status !== 'pending' || !isActive(task)) return false
  const definition = stepDefinition(task, step.kind)
  if (isKindHeld(task, definition)) return false
  if (!step.needs.every((id) => stepById(task, id)?.status === 'done')) return false
  // What was asked in a chat has a place of its own first.
  if (task.origin.opensIssue && task.origin.number === 0) return false
  return definition.when?.(task, step) ?? true
}

/** The steps that can be worked on now. */
export function readySteps(task: Task): Step[] {
  return task.steps.filter((step) => mayBegin(task, step))
}

/** A new step of a kind; the second of a kind is named `kind.2`, and so on. It needs the last of each kind that its own works on. */
export function newStep(task: Task, kind: StepKind, instance: Instance = {}): NewStep {
  const { role, needs } = stepDefinition(task, kind)
  const count = task.steps.filter((step) => step.kind === kind).length
  return {
    id: count === 0 ? kind : `${kind}.${count + 1}`,
    kind,
    role,
    needs: needs.flatMap((need) => lastDone(task, need, instance)),
    rework: instance.rework,
    release: instance.release,
    ...(instance.item === undefined ? {} : { item: instance.item }),
  }
}

/** What was made of a kind last, within the same release: of several the one for the same item, or else all of them. */
function lastDone({ steps }: Task, kind: StepKind, { release, item }: Instance): string[] {
  const made = steps.filter((step) => step.kind === kind && step.status === 'done' && step.release === release)
  const byItem = new Map(made.map((step) => [step.item, step.id]))
  const own = item === undefined ? undefined : byItem.get(item)
  return own === undefined ? [...byItem.values()] : [own]
}
