import type { Command } from '../command.ts'
import type { CoreWorkflow, StepKind, Task } from '../task/types.ts'
import { change } from './change.ts'
import { defineWorkflow, type StepDefinition, type WorkflowDefinition } from './define.ts'
import { deploy } from './deploy.ts'
import { question } from './question.ts'

/** Every workflow of Muster's own, one line each. */
const OWN = { change, question, deploy } satisfies Readonly<Record<CoreWorkflow, WorkflowDefinition>>

/** All of them, with those of plug-ins, by their names. */
const WORKFLOWS = new Map<string, WorkflowDefinition>(Object.entries(OWN))

/** Adds a workflow of a plug-in's, once, when the process starts. @throws Error where its name, or one of its steps', is taken or not its own */
export function addWorkflow(workflow: WorkflowDefinition): void {
  const { name, steps } = workflow
  const [plugin, own] = name.split('/')
  if (!plugin || !own) throw new Error(`the workflow ${name}: a plug-in's is called "<plug-in>/<name>"`)
  if (WORKFLOWS.has(name)) throw new Error(`the workflow ${name} is there twice`)
  const foreign = steps.find(({ kind }) => kind.includes('/') && !kind.startsWith(`${plugin}/`))
  if (foreign) throw new Error(`the workflow ${name}: ${foreign.kind} is a step of another plug-in's`)
  WORKFLOWS.set(name, defineWorkflow(workflow))
}

/** @throws for a workflow of a newer version: to go on with it as with another would be wrong */
export function workflowOf({ workflow }: Pick<Task, 'workflow'>): WorkflowDefinition {
  const found = WORKFLOWS.get(workflow)
  if (!found) throw new Error(`the workflow ${workflow} is not known to this version`)
  return found
}

/** Whether this version (with its plug-ins) knows the workflow of a task, and every kind of step in it. */
export function isKnown({ workflow, steps }: Pick<Task, 'workflow' | 'steps'>): boolean {
  const kinds = new Set([...WORKFLOWS.values()].flatMap((one) => one.steps).map(({ kind }) => kind))
  return WORKFLOWS.has(workflow) && steps.every(({ kind }) => kinds.has(kind))
}

/** The workflow that a command begins; undefined: it begins none. */
export function openedBy(verb: Command['verb']): WorkflowDefinition | undefined {
  return [...WORKFLOWS.values()].find(({ opensBy }) => opensBy.includes(verb))
}

/** What a kind of step is in a task's workflow, or was in one of an older version. @throws for a kind that this version does not know */
export function stepDefinition(task: Pick<Task, 'workflow'>, kind: StepKind): StepDefinition {
  const own = workflowOf(task).steps.find((step) => step.kind === kind)
  if (own) return own
  for (const { steps } of WORKFLOWS.values()) {
    const found = steps.find((step) => step.kind === kind)
    if (found) return found
  }
  throw new Error(`no workflow of this version has a step ${kind}`)
}
