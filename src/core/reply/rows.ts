import { IS_USABLE } from '../baseline.ts'
import { roleTitle } from '../roles.ts'
import type { Step, Task } from '../task/types.ts'
import type { Stage, StepDefinition } from '../workflows/define.ts'
import { stepDefinition, workflowOf } from '../workflows/registry.ts'

/** A line of the checklist: a step that exists, one that will follow, or a thing that is up to people. */
export interface Row {
  readonly id: string
  readonly who: string
  readonly what: string
  /** The node of the diagram that it belongs to. */
  readonly phase: string
  readonly state: 'done' | 'running' | 'waiting' | 'failed' | 'ahead' | 'cancelled'
  readonly step: Step | undefined
}

const REWORK = {
  proof: 'after the proof failed',
  review: 'after the review',
  check: 'after a failed check',
  critique: 'after a second look',
} as const

/** Every row of the checklist, past and to come, in order. */
export function rowsOf(task: Task): Row[] {
  const rows = task.steps.map((step) => asFound(task, stepRow(task, step)))
  if (task.status === 'cancelled' || task.status === 'handed_off' || task.missing !== undefined) return rows
  return workflowOf(task).stages.flatMap((stage) => [
    ...rows.filter(({ step }) => step && stage.steps.includes(step.kind)),
    ...ahead(task, stage),
    ...stage.people(task).map((row) => ({ ...row, who: 'people', step: undefined })),
  ])
}

/** What a step is called. */
export function nameOfStep(task: Task, { kind }: Pick<Step, 'kind'>): string {
  return stepDefinition(task, kind).name
}

/** Tests that were run and say nothing are not what was wanted of that step. */
function asFound({ baseline }: Task, row: Row): Row {
  const isUseless = row.step?.kind === 'baseline' && row.state === 'done' && baseline && !IS_USABLE[baseline.found]
  return isUseless ? { ...row, state: 'failed' } : row
}

function stepRow(task: Task, step: Step): Row {
  const definition = stepDefinition(task, step.kind)
  const number = /\.(\d+)$/.exec(step.id)?.[1]
  const why = step.rework ? ` ${REWORK[step.rework.why]}` : ''
  const which = step.item === undefined ? (number ? ` (${number})` : '') : ` ${step.item}`
  const what = `${definition.name}${why}${which}`
  return {
    id: step.id,
    who: roleTitle(step.role),
    what,
    phase: phaseOf(definition),
    state: step.status === 'pending' ? 'ahead' : step.status,
    step,
  }
}

/** What will follow, as far as it is known. */
function ahead(task: Task, stage: Stage): Row[] {
  const kinds = stage.ahead(task).filter((kind) => !task.steps.some((step) => step.kind === kind))
  return kinds.map((kind) => {
    const definition = stepDefinition(task, kind)
    const what = { who: roleTitle(definition.role), what: definition.name, phase: phaseOf(definition) }
    return { id: kind, ...what, state: 'ahead', step: undefined }
  })
}

const CLASS: Readonly<Record<Row['state'], string>> = {
  done: 'done',
  running: 'now',
  waiting: 'now',
  failed: 'bad',
  ahead: 'ahead',
  cancelled: 'ahead',
}
const STYLES = [
  '  classDef done fill:#dafbe1,stroke:#1a7f37,color:#1f2328',
  '  classDef now fill:#fff8c5,stroke:#9a6700,color:#1f2328',
  '  classDef bad fill:#ffebe9,stroke:#cf222e,color:#1f2328',
  '  classDef ahead fill:#f6f8fa,stroke:#8c959f,color:#59636e',
]

/** A node of the diagram: the rows that are folded in it, so that it stays readable. */
interface Phase {
  readonly label: string
  readonly inside: readonly Row[]
  /** What it comes after, by where that stands. */
  readonly after: readonly number[]
}

/** The plan as a small Mermaid flowchart. */
export function diagram(task: Task, rows: readonly Row[]): string {
  const phases = phasesOf(task, rows)
  const nodes = phases.map(({ label, inside }, index) => {
    const rounds = inside.filter(({ step }) => step && stepDefinition(task, step.kind).phase.countsRounds).length
    return `  s${index}["${label}${rounds > 1 ? ` ×${rounds}` : ''}"]:::${CLASS[stateOf(inside)]}`
  })
  return ['flowchart LR', ...nodes, ...edgesOf(phases), ...STYLES].join('\n')
}

/** One line where everything comes after the one before it; else a line for each that something comes after. */
function edgesOf(phases: readonly Phase[]): string[] {
  const isLine = phases.every(({ after }, index) => after.join() === (index === 0 ? '' : String(index - 1)))
  if (isLine) return phases.length > 1 ? [`  ${phases.map((_, index) => `s${index}`).join(' --> ')}`] : []
  return phases.flatMap(({ after }, index) =>
    after.length > 0 ? [`  ${after.map((one) => `s${one}`).join(' & ')} --> s${index}`] : [],
  )
}

/** The nodes in the order in which the workflow has their steps, and what comes after what by the needs of those. */
function phasesOf(task: Task, rows: readonly Row[]): Phase[] {
  const { stages, steps } = workflowOf(task)
  const order = stages.flatMap(({ steps: kinds, people }) => [...kinds, ...people(task).map(({ id }) => id)])
  const place = ({ id, step }: Row) => order.indexOf(step?.kind ?? id)
  const labels = [...new Set(rows.toSorted((a, b) => place(a) - place(b)).map(({ phase }) => phase))]
  return labels.map((label, index) => {
    const inside = rows.filter(({ phase }) => phase === label)
    // Of what may stand in a node, what does: a change in parts comes after the parts alone.
    const there = new Set(inside.map(({ id, step }) => step?.kind ?? id))
    const kinds = steps.filter(({ kind }) => there.has(kind))
    const needs = new Set(kinds.flatMap((kind) => kind.needs))
    const found = new Set(steps.filter(({ kind }) => needs.has(kind)).map(phaseOf))
    const after = labels.flatMap((one, at) => (one !== label && found.has(one) ? [at] : []))
    // What people do, and a stage of its own, come after whatever stands before them.
    const isBranch = needs.size === 0 && kinds.some(({ kind }) => stages[0]?.steps.includes(kind))
    return {
      label,
      inside,
      after: after.length > 0 || index === 0 || isBranch ? after : [index - 1],
    }
  })
}

function phaseOf({ role, phase }: StepDefinition): string {
  return `${roleTitle(role)}: ${phase.name}`
}

/** One state for several rows: what needs a look comes first. */
function stateOf(rows: readonly Row[]): Row['state'] {
  const order: readonly Row['state'][] = ['failed', 'running', 'waiting', 'cancelled']
  const urgent = order.find((state) => rows.some((row) => row.state === state))
  if (urgent) return urgent
  return rows.every((row) => row.state === 'done')
    ? 'done'
    : rows.some((row) => row.state === 'done')
      ? 'running'
      : 'ahead'
}
