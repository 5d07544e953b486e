import { IS_USABLE } from '../baseline.ts'
import { approvalFor, planNeedsPerson } from '../policy.ts'
import { isShort } from '../path.ts'
import { asksPeople, designStep, isBegun, isPlanned, specStep, stepOf } from '../task/steps.ts'
import type { StepKind, Task, TaskEvent } from '../task/types.ts'
import { isQuestion } from '../unclear.ts'
import { defineStep, type GateDefinition, onceWhen } from './define.ts'

/** How a request becomes a plan, or an answer. */

/** A request that reads like a question costs no run of the tests before PM has looked at it. */
function asksFirst({ origin }: Task): boolean {
  return isQuestion(origin.request)
}

/** Whether what PM made of the request is to be answered and nothing is to be changed. */
function isAnswered(task: Task): boolean {
  return task.spec?.kind === 'question'
}

/** PM is done, and has nothing to ask. */
function isSpecified(task: Task): boolean {
  return task.spec !== undefined && specStep(task)?.status === 'done' && !asksPeople(task)
}

/** The tests were run as they are and say something, or somebody goes on without them. */
function isTested(task: Task): boolean {
  const { baseline } = task
  return (
    stepOf(task, 'baseline')?.status === 'done' &&
    baseline !== undefined &&
    (IS_USABLE[baseline.found] || baseline.accepted !== undefined)
  )
}

/** The tests as they are, before the first dollar; of a change that PM made of a question, once that is known. */
export const baseline = defineStep({
  kind: 'baseline',
  role: 'qa',
  name: 'Baseline',
  phase: { name: 'Baseline', countsRounds: true },
  needs: [],
  costs: false,
  wanted: (task) =>
    onceWhen(
      task,
      'baseline',
      asksFirst(task) ? isSpecified(task) && !isAnswered(task) && !stepOf(task, 'design') : !specStep(task),
    ),
})

/** PM, at once for a question. */
export const spec = defineStep({
  kind: 'spec',
  role: 'pm',
  name: 'Spec',
  phase: { name: 'Spec', countsRounds: true },
  needs: ['baseline'],
  costs: true,
  wanted: (task) =>
    onceWhen(task, 'spec', (asksFirst(task) || (isTested(task) && !isShort(task))) && specStep(task) === undefined),
})

/** Spec and design in one go, where the request is small. */
export const plan = defineStep({
  kind: 'plan',
  role: 'sa',
  name: 'Plan',
  phase: { name: 'Plan', countsRounds: true },
  needs: ['baseline'],
  costs: true,
  wanted: (task) =>
    onceWhen(task, 'plan', isShort(task) && !asksFirst(task) && isTested(task) && specStep(task) === undefined),
})

/** What of the planning is still ahead. */
export function planningAhead(task: Task): readonly StepKind[] {
  const isTogether = specStep(task) ? stepOf(task, 'plan') !== undefined : isShort(task) && !asksFirst(task)
  if (!isTogether) return ['spec', 'design']
  const isApart = stepOf(task, 'plan')?.status === 'done' && isSpecified(task) && task.design === undefined
  return isApart ? ['plan', 'design'] : ['plan']
}

/** PM where nothing is to be changed: no tests are run. */
export const specAtOnce = defineStep({ ...spec, needs: [], wanted: (task) => onceWhen(task, 'spec', true) })

export const answer = defineStep({
  kind: 'answer',
  role: 'sa',
  name: 'Answer',
  phase: { name: 'Answer', countsRounds: true },
  needs: ['spec', 'plan'],
  costs: true,
  wanted: (task) => onceWhen(task, 'answer', isSpecified(task) && isAnswered(task)),
})

/** SA where a question was asked, whatever PM calls it. */
export const answerAlways = defineStep({
  ...answer,
  needs: ['spec'],
  wanted: (task) => onceWhen(task, 'answer', isSpecified(task)),
})

export const design = defineStep({
  kind: 'design',
  role: 'sa',
  name: 'Design',
  phase: { name: 'Design', countsRounds: true },
  needs: ['spec', 'plan'],
  costs: true,
  wanted: (task) =>
    onceWhen(
      task,
      'design',
      isSpecified(task) && !isAnswered(task) && task.design === undefined && (!asksFirst(task) || isTested(task)),
    ),
})

/** The tests cannot be run: whether to go on without them. */
export const baselineGate: GateDefinition = {
  kind: 'baseline',
  holds: 'baseline',
  wanted(task) {
    const step = stepOf(task, 'baseline')
    const isUseless = step?.status === 'done' && task.baseline !== undefined && !isTested(task)
    const isRead = (asksFirst(task) ? stepOf(task, 'design') : specStep(task)) !== undefined
    return isUseless && !isRead
      ? [{ type: 'gate.opened', gate: { kind: 'baseline', attempt: step.attempt }, beside: true }]
      : []
  },
}

export const questionGate: GateDefinition = {
  kind: 'question',
  holds: 'spec',
  wanted: (task) =>
    task.spec && asksPeople(task)
      ? [{ type: 'gate.opened', gate: { kind: 'question', questions: task.spec.questions }, beside: true }]
      : [],
}

export const planGate: GateDefinition = {
  kind: 'plan',
  holds: 'design',
  wanted(task) {
    if (!task.planHash || !task.spec || isBegun(task) || !isPlanned(task)) return []
    if (approvalFor(task, 'plan', task.planHash)) return []
    const ruling = planNeedsPerson(task.settings.approvePlan, task.spec.risk, task.forcePlanGate)
    return ruling.ok
      ? [
          {
            type: 'gate.opened',
            gate: { kind: 'plan', hash: task.planHash, reason: ruling.detail, ...amended(task) },
            beside: true,
          },
        ]
      : [{ type: 'gate.approved', gate: 'plan', hash: task.planHash, sha: undefined, by: 'settings' }]
  },
}

/** The budget is reached in a step, which says so itself. */
export const budgetGate: GateDefinition = { kind: 'budget', holds: 'costs', wanted: () => [] }

/** Written again because people said something about the first: an approval of that may still be under way. */
function amended(task: Task): { amended?: true } {
  return (designStep(task)?.attempt ?? 0) > 1 && task.notes.length > 0 ? { amended: true } : {}
}

/** What was asked is answered. */
export function whenAnswered(task: Task): TaskEvent[] {
  return task.answer && stepOf(task, 'answer')?.status === 'done'
    ? [{ type: 'task.finished', outcome: 'answered' }]
    : []
}
