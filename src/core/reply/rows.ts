import { ROLE_NAMES, type Role } from '../artefacts.ts'
import { IS_USABLE } from '../baseline.ts'
import { isActive } from '../task/steps.ts'
import type { Step, StepKind, Task } from '../task/types.ts'

/** A line of the checklist: a step that exists, one that will follow, or a thing that is up to people. */
export interface Row {
  readonly id: string
  readonly who: string
  readonly what: string
  readonly state: 'done' | 'running' | 'waiting' | 'failed' | 'ahead' | 'cancelled'
  readonly step: Step | undefined
}

export const STEP_NAMES: Readonly<Record<StepKind, string>> = {
  baseline: 'Baseline',
  spec: 'Spec',
  answer: 'Answer',
  design: 'Design',
  build: 'Change',
  rework: 'Rework',
  prove: 'Proof',
  release_plan: 'Release plan',
  deploy: 'Deploy',
  watch: 'Watch',
}
const REWORK = { proof: 'after the proof failed', review: 'after the review', check: 'after a failed check' } as const

/** Every row of the checklist, past and to come, in order. */
export function rowsOf(task: Task): Row[] {
  const rows = task.steps.map((step) => asFound(task, stepRow(step)))
  if (task.status === 'cancelled' || task.status === 'handed_off') return rows
  if (task.workflow === 'question' || task.spec?.kind === 'question') return [...rows, ...ahead(task, ['answer'], 'sa')]
  if (task.workflow === 'deploy') return [...rows, ...ahead(task, ['release_plan', 'deploy', 'watch'], 'sre')]
  return changeRows(task, rows)
}

function changeRows(task: Task, rows: readonly Row[]): Row[] {
  const before = rows.filter((row) => row.step?.release === undefined)
  const after = rows.filter((row) => row.step?.release !== undefined)
  const planned = [
    ...ahead(task, ['spec'], 'pm'),
    ...ahead(task, ['design'], 'sa'),
    ...ahead(task, ['build'], 'sd'),
    ...ahead(task, ['prove'], 'qa'),
  ]
  const deploys = Object.keys(task.settings.environments).length > 0 && (isActive(task) || after.length > 0)
  const release = deploys ? ahead(task, ['release_plan', 'deploy', 'watch'], 'sre') : []
  return [...before, ...planned, ...peopleRows(task), ...after, ...release]
}

function peopleRows(task: Task): Row[] {
  const ready = task.pullRequest?.draft === false
  const open = task.review.ledger.filter((entry) => entry.outcome === 'open').length
  const review: Row['state'] = task.merged ? 'done' : ready ? 'waiting' : 'ahead'
  const what =
    task.review.ledger.length > 0
      ? `Review (${task.review.ledger.length - open} of ${task.review.ledger.length} comments answered)`
      : 'Review'
  return [
    { id: 'review', who: 'people', what, state: review, step: undefined },
    {
      id: 'merge',
      who: 'people',
      what: 'Merge',
      state: task.merged ? 'done' : ready ? 'waiting' : 'ahead',
      step: undefined,
    },
  ]
}

/** Tests that were run and say nothing are not what was wanted of that step. */
function asFound({ baseline }: Task, row: Row): Row {
  const isUseless = row.step?.kind === 'baseline' && row.state === 'done' && baseline && !IS_USABLE[baseline.found]
  return isUseless ? { ...row, state: 'failed' } : row
}

function stepRow(step: Step): Row {
  const number = /\.(\d+)$/.exec(step.id)?.[1]
  const why = step.rework ? ` ${REWORK[step.rework.why]}` : ''
  const what = `${STEP_NAMES[step.kind]}${why}${number ? ` (${number})` : ''}`
  return {
    id: step.id,
    who: ROLE_NAMES[step.role],
    what,
    state: step.status === 'pending' ? 'ahead' : step.status,
    step,
  }
}

function ahead(task: Task, kinds: readonly StepKind[], role: Role): Row[] {
  return kinds
    .filter((kind) => !task.steps.some((step) => step.kind === kind))
    .map((kind) => ({ id: kind, who: ROLE_NAMES[role], what: STEP_NAMES[kind], state: 'ahead', step: undefined }))
}

/** Rows that are one node of the diagram: rounds and the parts of a release are folded, so that it stays readable. */
const PHASES: readonly (readonly [label: string, is: (row: Row) => boolean])[] = [
  ['QA: Baseline', (row) => row.id.startsWith('baseline')],
  ['PM: Spec', (row) => row.id.startsWith('spec')],
  ['SA: Answer', (row) => row.id.startsWith('answer')],
  ['SA: Design', (row) => row.id.startsWith('design')],
  ['SD: Change', (row) => /^(build|rework)/.test(row.id)],
  ['QA: Proof', (row) => row.id.startsWith('prove')],
  ['Review', (row) => row.id === 'review'],
  ['Merge', (row) => row.id === 'merge'],
  ['SRE: Release', (row) => /^(release_plan|deploy|watch)/.test(row.id)],
]

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

/** The plan as a small Mermaid flowchart. */
export function diagram(rows: readonly Row[]): string {
  const phases = PHASES.map(([label, is]) => ({ label, rows: rows.filter(is) })).filter(
    (phase) => phase.rows.length > 0,
  )
  const nodes = phases.map(({ label, rows: inside }, index) => {
    const rounds = inside.filter((row) => row.step !== undefined).length
    const times = rounds > 1 && !label.startsWith('SRE') ? ` ×${rounds}` : ''
    return `  s${index}["${label}${times}"]:::${CLASS[stateOf(inside)]}`
  })
  const edges = phases.length > 1 ? [`  ${phases.map((_, index) => `s${index}`).join(' --> ')}`] : []
  return ['flowchart LR', ...nodes, ...edges, ...STYLES].join('\n')
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
