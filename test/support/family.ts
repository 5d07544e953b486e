import { defineStep, NOBODY, onceWhen } from '../../src/core/workflows/define.ts'
import { addWorkflow } from '../../src/core/workflows/registry.ts'
import type { StepKind, Task } from '../../src/core/task/types.ts'
import { LIGHT } from './light.ts'

/** A workflow whose first step asks for other tasks, and a smaller one that those are of. */
const isDone = (task: Task, kind: StepKind) => task.steps.some((step) => step.kind === kind && step.status === 'done')
const step = (kind: StepKind, needs: readonly StepKind[], costs = true) =>
  defineStep({
    kind,
    role: 'sa',
    name: kind,
    phase: { name: kind, countsRounds: false },
    needs,
    costs,
    wanted: (task) =>
      onceWhen(
        task,
        kind,
        needs.every((need) => isDone(task, need)),
      ),
  })
const ends = (kind: StepKind, outcome: string) => (task: Task) =>
  isDone(task, kind) ? [{ type: 'task.finished', outcome } as const] : []

addWorkflow({
  ...LIGHT,
  name: 'family/parent',
  steps: [step('family/ask', []), step('family/sum', ['family/ask'], false)],
  gates: [{ kind: 'budget', holds: 'costs', wanted: () => [] }],
  stages: [{ steps: ['family/ask', 'family/sum'], ahead: () => [], people: NOBODY }],
  follows: [ends('family/sum', 'all of it')],
})
addWorkflow({
  ...LIGHT,
  name: 'family/child',
  steps: [step('family/work', [])],
  stages: [{ steps: ['family/work'], ahead: () => [], people: NOBODY }],
  follows: [ends('family/work', 'its part')],
})
