import type { Role } from '../roles.ts'
import type { Command } from '../command.ts'
import type { Document } from '../reply/document.ts'
import type { Gate, NewStep, Step, StepKind, Task, TaskEvent, WorkflowName } from '../task/types.ts'

/** What tells one step of a kind from the others. */
export type Instance = Partial<Pick<NewStep, 'rework' | 'release' | 'item'>>

/** A kind of step: who does it, what must be there first, and when it is wanted. Pure data and functions over a task. */
export interface StepDefinition {
  readonly kind: StepKind
  readonly role: Role
  /** As people read it in the checklist. */
  readonly name: string
  /** The node of the diagram that it is drawn in, and whether how many there are is of interest there. */
  readonly phase: { readonly name: string; readonly countsRounds: boolean }
  /** The kinds whose results it works on: they are done before it begins, and what holds them up holds it up. */
  readonly needs: readonly StepKind[]
  /** Whether a model is paid for it: where the budget is used up, it waits. */
  readonly costs: boolean
  /** The steps of this kind that are to be added now. */
  readonly wanted: (task: Task) => readonly Instance[]
  /** Whether a step that is there may begin, beside its needs and the gates: what is approved, pushed, recorded. */
  readonly when?: ((task: Task, step: Step) => boolean) | undefined
  /** What people are told once its artefact is there; a plain string in it is somebody else's words. */
  readonly tells?: ((task: Task, step: Step) => Document | undefined) | undefined
}

/** A point where people decide. What depends on the result that they decide about waits; nothing else does. */
export interface GateDefinition<Kind extends Gate['kind'] = Gate['kind']> {
  readonly kind: Kind
  /** The kind of step whose result is decided about; `costs`: whatever is paid for. */
  readonly holds: StepKind | 'costs'
  /** What is to be asked now, or decided by the settings alone. Not asked while a gate of this kind is open. */
  readonly wanted: (task: Task) => readonly TaskEvent[]
}

/** A line of the checklist for what is up to people. */
export interface PeopleRow {
  readonly id: string
  readonly what: string
  /** The node of the diagram. */
  readonly phase: string
  readonly state: 'done' | 'waiting' | 'ahead'
}

/** A part of the checklist: the steps that are shown in it, those that will follow, and what people do at its end. */
export interface Stage {
  readonly steps: readonly StepKind[]
  readonly ahead: (task: Task) => readonly StepKind[]
  readonly people: (task: Task) => readonly PeopleRow[]
}

/** A workflow: a DAG of steps with gates, and what the rest of the house asks about it. No code outside knows its name. */
export interface WorkflowDefinition {
  readonly name: WorkflowName
  /** The commands that begin it. */
  readonly opensBy: readonly Command['verb'][]
  readonly steps: readonly StepDefinition[]
  readonly gates: readonly GateDefinition[]
  readonly stages: readonly Stage[]
  /** What follows by itself beside steps and gates: hand-offs, releases that nobody asks for, the end. The first that says something counts. */
  readonly follows: readonly ((task: Task) => readonly TaskEvent[])[]
  /** Whether tickets move with it. */
  readonly movesTickets: boolean
  /** Whether nobody wants the work any more once its issue is closed. */
  readonly endsWithIssue: (task: Task) => boolean
  /** Whether any step still reads what people add. */
  readonly readsWords: (task: Task) => boolean
  /** Whether what is asked for may be deployed as things stand. */
  readonly mayRelease: (task: Task) => boolean
  /** Of a task that has ended: whether what was asked for is there. */
  readonly isFulfilled: (task: Task) => boolean
  /** Where it may be asked for: in an issue, or wherever there is none; in a pull request that is not Muster's own. Undefined: in an issue. */
  readonly worksOn?: readonly ('issue' | 'pull_request')[] | undefined
  /** The step that is added once more when what began it is said again: it goes on where it had ended. */
  readonly again?: StepKind | undefined
  /** Protected files that it changes all the same: where no model has a hand in what is written. */
  readonly mayChange?: readonly string[] | undefined
  /** What its branch is called, where that is not told from what was asked. */
  readonly branch?: string | undefined
  /** Whether where it stands is shown in a comment of its own. Undefined: it is. */
  readonly hasCard?: boolean | undefined
  /** Whether it only answers: whatever PM makes of the request. */
  readonly isQuestion: boolean
}

/** @throws Error where the definition makes no sense: told when the process starts */
export function defineWorkflow(workflow: WorkflowDefinition): WorkflowDefinition {
  const { name, steps, gates, stages } = workflow
  const kinds = steps.map(({ kind }) => kind)
  const fail = (what: string) => {
    throw new Error(`the workflow ${name}: ${what}`)
  }
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) !== index)
  if (twice) fail(`${twice} is there twice`)
  for (const gate of gates)
    if (gate.holds !== 'costs' && !kinds.includes(gate.holds))
      fail(`the gate ${gate.kind} is about ${gate.holds}, which is no step of it`)
  for (const { kind, needs } of steps) {
    const foreign = needs.find((need) => !kinds.includes(need))
    if (foreign) fail(`${kind} needs ${foreign}, which is no step of it`)
    if (dependents(workflow, kind).has(kind)) fail(`${kind} needs itself`)
  }
  for (const kind of kinds)
    if (!stages.some((stage) => stage.steps.includes(kind))) fail(`${kind} stands in no stage of the checklist`)
  return workflow
}

/** Every kind of step that works, at first or second hand, on the result of one. */
export function dependents({ steps }: Pick<WorkflowDefinition, 'steps'>, kind: StepKind): ReadonlySet<StepKind> {
  const found = new Set<StepKind>()
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const step of steps) if (step.needs.some((need) => need === kind || found.has(need))) found.add(step.kind)
  }
  return found
}

export function defineStep(step: StepDefinition): StepDefinition {
  return step
}

/** What the last step of a kind has made; undefined while there is nothing. */
export function artefactOf({ artefacts, steps }: Task, kind: StepKind): unknown {
  const last = steps.findLast((step) => step.kind === kind && artefacts?.[step.id] !== undefined)
  return last && artefacts?.[last.id]
}

/** Nobody has to do anything at the end of it. */
export const NOBODY = (): readonly PeopleRow[] => []

/** A step of a kind for each of several, unless it is there: they run side by side, and whatever needs the kind waits for all of them. */
export function eachOf(task: Task, kind: StepKind, items: readonly string[]): readonly Instance[] {
  const there = new Set(task.steps.flatMap((step) => (step.kind === kind ? [step.item] : [])))
  return [...new Set(items)].filter((item) => !there.has(item)).map((item) => ({ item }))
}

/** Whether a step of a kind is done for each of several. */
export function isEachDone(task: Task, kind: StepKind, items: readonly string[]): boolean {
  const done = new Set(task.steps.flatMap((step) => (step.kind === kind && step.status === 'done' ? [step.item] : [])))
  return items.every((item) => done.has(item))
}

/** One step of a kind that is wanted, unless it is there. */
export function onceWhen(task: Task, kind: StepKind, isWanted: boolean): readonly Instance[] {
  return isWanted && !task.steps.some((step) => step.kind === kind) ? [{}] : []
}
