import type { Command } from '../command.ts'
import type { StepKind, Task, WorkflowName } from '../task/types.ts'
import { change } from './change.ts'
import type { StepDefinition, WorkflowDefinition } from './define.ts'
import { deploy } from './deploy.ts'
import { question } from './question.ts'

/** Every workflow, one line each. */
const WORKFLOWS = { change, question, deploy } satisfies Readonly<Record<WorkflowName, WorkflowDefinition>>

/** @throws for a workflow of a newer version: to go on with it as with another would be wrong */
export function workflowOf({ workflow }: Pick<Task, 'workflow'>): WorkflowDefinition {
  if (!Object.hasOwn(WORKFLOWS, workflow)) throw new Error(`the workflow ${workflow} is not known to this version`)
  return WORKFLOWS[workflow]
}

/** The workflow that a command begins; undefined: it begins none. */
export function openedBy(verb: Command['verb']): WorkflowDefinition | undefined {
  return Object.values(WORKFLOWS).find(({ opensBy }: WorkflowDefinition) => opensBy.includes(verb))
}

/** What a kind of step is in a task's workflow, or was in one of an older version. @throws for a kind that this version does not know */
export function stepDefinition(task: Pick<Task, 'workflow'>, kind: StepKind): StepDefinition {
  const all = [workflowOf(task), ...Object.values(WORKFLOWS)]
  const found = all.flatMap(({ steps }) => steps).find((step) => step.kind === kind)
  if (!found) throw new Error(`no workflow of this version has a step ${kind}`)
  return found
}
