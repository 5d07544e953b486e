import type { Command } from '../command.ts'
import { isPluginId, pluginOf, registry } from '../registry.ts'
import { ROLES } from '../roles.ts'
import type { CoreWorkflow, StepKind, Task } from '../task/types.ts'
import { absentStep, absentWorkflow } from './absent.ts'
import { change } from './change.ts'
import { defineWorkflow, type StepDefinition, type WorkflowDefinition } from './define.ts'
import { deploy } from './deploy.ts'
import { extended, type Extension } from './extend.ts'
import { onboarding } from './onboarding.ts'
import { question } from './question.ts'
import { review } from './review.ts'

/** Every workflow, one line each. */
export const WORKFLOWS = registry<CoreWorkflow, WorkflowDefinition>('the workflow', {
  change,
  question,
  deploy,
  review,
  onboarding,
})

/** Workflows of Muster's own as plug-ins have extended them. */
const EXTENDED = new Map<string, WorkflowDefinition>()

/** Adds a workflow of a plug-in's, once, when the process starts. @throws Error where it is not valid, or a name in it is taken or not its own */
export function addWorkflow(workflow: WorkflowDefinition): void {
  const { name, steps, opensBy } = workflow
  for (const { kind, role } of steps) {
    if (isPluginId(kind) && pluginOf(kind) !== pluginOf(name))
      throw new Error(`the workflow ${name}: ${kind} is a step of another plug-in's`)
    if (ROLES.named(role) === undefined) throw new Error(`the workflow ${name}: there is no role ${role}`)
  }
  const taken = opensBy.find((verb) => openedBy(verb) !== undefined)
  if (taken) throw new Error(`the workflow ${name}: ${taken} begins other work already`)
  WORKFLOWS.add(name, defineWorkflow(workflow))
}

/** Adds steps to one of Muster's own workflows. @throws Error where they do not fit */
export function extendWorkflow(plugin: string, extension: Extension): void {
  const { workflow, steps } = extension
  const foreign = steps.find(({ kind }) => pluginOf(kind) !== plugin)
  if (foreign) throw new Error(`an extension of ${workflow}: ${foreign.kind} is not called "${plugin}/<name>"`)
  const roleless = steps.find(({ role }) => ROLES.named(role) === undefined)
  if (roleless) throw new Error(`an extension of ${workflow}: there is no role ${roleless.role}`)
  EXTENDED.set(workflow, defineWorkflow(extended(EXTENDED.get(workflow) ?? WORKFLOWS.of(workflow), extension)))
}

function found(name: string): WorkflowDefinition | undefined {
  return EXTENDED.get(name) ?? WORKFLOWS.get(name)
}

/**
 * The definition of a task's workflow; of a plug-in that is not here, one in which nothing goes on.
 * @throws for a workflow of a newer version: to go on with it as with another would be wrong
 */
export function workflowOf({ workflow }: Pick<Task, 'workflow'>): WorkflowDefinition {
  return found(workflow) ?? (isPluginId(workflow) ? absentWorkflow(workflow) : WORKFLOWS.of(workflow))
}

function all(): readonly WorkflowDefinition[] {
  return WORKFLOWS.names().flatMap((name) => found(name) ?? [])
}

/** Whether the workflow of a task, and every kind of step in it, is known here. */
export function isKnown({ workflow, steps }: Pick<Task, 'workflow' | 'steps'>): boolean {
  const kinds = new Set(all().flatMap((one) => one.steps.map(({ kind }) => kind)))
  return found(workflow) !== undefined && steps.every(({ kind }) => kinds.has(kind))
}

/** The plug-in that a task cannot go on without, and which is not here. */
export function missingPlugin({ workflow, steps }: Pick<Task, 'workflow' | 'steps'>): string | undefined {
  if (!found(workflow)) return pluginOf(workflow)
  const open = steps.filter(({ status }) => status === 'pending' || status === 'running')
  const unknown = open.find(({ kind }) => isPluginId(kind) && !knownStep(kind))
  return unknown && pluginOf(unknown.kind)
}

/** Whether the work of a task is looking at something again and again. */
export function isRepeated(task: Pick<Task, 'workflow'>): boolean {
  return workflowOf(task).again !== undefined
}

/** The workflow that a command begins; undefined: it begins none. */
export function openedBy(verb: Command['verb']): WorkflowDefinition | undefined {
  return all().find(({ opensBy }) => opensBy.includes(verb))
}

function knownStep(kind: StepKind): StepDefinition | undefined {
  for (const { steps } of all()) {
    const found = steps.find((step) => step.kind === kind)
    if (found) return found
  }
  return undefined
}

/** What a kind of step is in a task's workflow, or was in one of an older version. @throws for a kind that this version does not know */
export function stepDefinition(task: Pick<Task, 'workflow'>, kind: StepKind): StepDefinition {
  const definition = workflowOf(task).steps.find((step) => step.kind === kind) ?? knownStep(kind)
  if (definition) return definition
  if (isPluginId(kind)) return absentStep(kind)
  throw new Error(`no workflow of this version has a step ${kind}`)
}
