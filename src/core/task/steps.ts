import type { Approvable } from './gate.ts'
import type { Gate, NewStep, Release, Step, StepKind, Task } from './types.ts'

const WORK: ReadonlySet<StepKind> = new Set(['build', 'part', 'join', 'rework', 'prove', 'triage', 'critique'])

/** Steps that change or prove the work, in the order they were added. */
export function workSteps(task: Task): Step[] {
  return task.steps.filter(({ kind }) => WORK.has(kind))
}

export function stepById(task: Task, id: string): Step | undefined {
  return task.steps.find((step) => step.id === id)
}

/** The first step of a kind. */
export function stepOf(task: Task, kind: StepKind): Step | undefined {
  return task.steps.find((step) => step.kind === kind)
}

/** The step that makes the spec, alone or with the design. */
export function specStep(task: Pick<Task, 'steps'>): Step | undefined {
  return task.steps.find(({ kind }) => kind === 'spec' || kind === 'plan')
}

/** The step that makes the design; where there is none for that alone, the one that makes both. */
export function designStep(task: Pick<Task, 'steps'>): Step | undefined {
  return task.steps.find(({ kind }) => kind === 'design') ?? task.steps.find(({ kind }) => kind === 'plan')
}

/** Whether there is a plan, and nobody is writing it again. */
export function isPlanned(task: Pick<Task, 'steps' | 'design'>): boolean {
  return task.design !== undefined && specStep(task)?.status === 'done' && designStep(task)?.status === 'done'
}

/** Steps whose results are the plan. */
export function isPlanning({ kind }: Step): boolean {
  return kind === 'spec' || kind === 'plan' || kind === 'design'
}

/** Whether the change has been begun. */
export function isBegun({ steps }: Pick<Task, 'steps'>): boolean {
  return steps.some(({ kind }) => kind === 'build' || kind === 'part')
}

/** A step that has just been added. */
export function addedStep(step: NewStep): Step {
  return {
    ...step,
    status: 'pending',
    attempt: 0,
    startedAt: undefined,
    endedAt: undefined,
    costUsd: 0,
    turns: 0,
    error: undefined,
  }
}

/** The gate of a kind that is open. */
export function gateAt<Kind extends Gate['kind']>(
  { gates }: Pick<Task, 'gates'>,
  kind: Kind,
): Extract<Gate, { kind: Kind }> | undefined {
  return gates.find((gate): gate is Extract<Gate, { kind: Kind }> => gate.kind === kind)
}

/** What waits for an approval or a rejection. */
export function approvables({ gates }: Pick<Task, 'gates'>): Approvable[] {
  return gates.filter((gate): gate is Approvable => gate.kind === 'plan' || gate.kind === 'deploy')
}

/** The gate that has been open for longest: what people are asked about first. */
export function firstGate({ gates }: Pick<Task, 'gates'>): Gate | undefined {
  return gates[0]
}

export function isActive(task: Task): boolean {
  return task.status === 'working' || task.status === 'waiting'
}

/** Whether PM's questions are for people to answer: twice at most, then it goes on with what it has. */
export function asksPeople({ spec, steps }: Task): boolean {
  const step = specStep({ steps })
  return spec !== undefined && spec.questions.length > 0 && step?.status === 'done' && step.attempt < 3
}

/** The step that failed last, unless a later release has come after it: what went wrong with an earlier one is over. */
export function failedStep(task: Task): Step | undefined {
  const latest = task.releases.at(-1)?.index
  return task.steps.findLast(
    (step) =>
      step.status === 'failed' &&
      (step.release === undefined ? latest === undefined || !task.merged : step.release === latest),
  )
}

/** Whether SD or QA is at work, or about to be, or their work is on its way to the branch. */
export function workUnderWay(task: Task): boolean {
  return (
    task.unpushed !== undefined ||
    workSteps(task).some((step) => step.status === 'pending' || step.status === 'running')
  )
}

/** Whether a release is taken back: by itself, or because somebody has said so. */
export function isTakenBack({ plan, report, deployed, recalledBy }: Release): boolean {
  if (deployed?.ok !== true) return false
  if (recalledBy !== undefined || report?.canary?.end === 'back') return true
  return report?.verdict === 'regressed' && plan?.wayBack?.isAutomatic === true
}

/** Whether a release is given a share of the requests alone, as far as is known. */
export function hasShare({ deployed, report, rolledBack }: Release): boolean {
  if (!deployed?.ok || deployed.percent === undefined || rolledBack?.isSwitched) return false
  return report?.canary?.end !== 'promoted'
}

/** Whether nothing more follows of a release: it failed, or was judged and, where it is taken back, that has been tried. */
export function isReleaseOver(release: Release): boolean {
  const { report, deployed, rolledBack, recalledBy, bisected } = release
  if (bisected) return true
  const isJudged = report !== undefined || recalledBy !== undefined
  return deployed?.ok === false || (isJudged && (!isTakenBack(release) || rolledBack !== undefined))
}

/** When the workflow wants to be woken, if nothing else happens: ms since the epoch. */
export function nextTimer(task: Task): number | undefined {
  return isActive(task) && task.review.pending.length > 0 && !workUnderWay(task) ? task.review.dueAt : undefined
}
