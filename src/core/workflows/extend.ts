import type { CoreWorkflow, StepKind, Task } from '../task/types.ts'
import type { GateDefinition, Stage, StepDefinition, WorkflowDefinition } from './define.ts'

/** Steps that a plug-in adds to one of Muster's own workflows. What is there already goes on as it does without. */
export interface Extension {
  readonly workflow: CoreWorkflow
  readonly steps: readonly StepDefinition[]
  readonly gates?: readonly GateDefinition[] | undefined
  /** The step beside which they are shown in the checklist. */
  readonly beside: StepKind
  /** Which of them are shown before they are wanted. */
  readonly ahead?: ((task: Task) => readonly StepKind[]) | undefined
  /** What follows from them by itself; asked before what the workflow says. */
  readonly follows?: WorkflowDefinition['follows'] | undefined
}

/** A workflow with its extension. @throws Error where the step that it is shown beside is not there */
export function extended(workflow: WorkflowDefinition, extension: Extension): WorkflowDefinition {
  const { steps, gates = [], beside, ahead = () => [], follows = [] } = extension
  const kinds = steps.map(({ kind }) => kind)
  if (!workflow.stages.some((stage) => stage.steps.includes(beside)))
    throw new Error(`an extension of ${workflow.name}: there is no step ${beside} to be shown beside`)
  const shown = (stage: Stage): Stage =>
    stage.steps.includes(beside)
      ? { ...stage, steps: [...stage.steps, ...kinds], ahead: (task) => [...stage.ahead(task), ...ahead(task)] }
      : stage
  return {
    ...workflow,
    steps: [...workflow.steps, ...steps],
    gates: [...workflow.gates, ...gates],
    stages: workflow.stages.map(shown),
    follows: [...follows, ...workflow.follows],
  }
}
