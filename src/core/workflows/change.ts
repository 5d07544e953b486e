import { build, critique, join, part, prove, reviewRows, rework, triage, whenRoundsAreOver } from './building.ts'
import { slicesOf } from '../slices.ts'
import { stepOf } from '../task/steps.ts'
import type { StepKind, Task } from '../task/types.ts'
import { defineWorkflow, NOBODY, type Stage } from './define.ts'
import {
  answer,
  baseline,
  baselineGate,
  budgetGate,
  design,
  plan,
  planGate,
  planningAhead,
  questionGate,
  spec,
  whenAnswered,
} from './planning.ts'
import {
  deploy,
  deployGate,
  isLive,
  RELEASE_AFTER,
  releasePlan,
  rollback,
  watch,
  whenApproved,
  whenAwaited,
  whenMerged,
  whenStale,
  whenTried,
} from './releasing.ts'

/** In one piece, or in parts that are joined. */
function changing(task: Task): readonly StepKind[] {
  return slicesOf(task).length > 0 && stepOf(task, 'build') === undefined ? ['part', 'join'] : ['build']
}

/** What is mended in somebody's pull request is released with that. */
function isReleased({ spec, origin }: Task): boolean {
  return spec?.kind !== 'question' && origin.pull?.head === undefined
}

const WORK: Stage = {
  steps: [
    'baseline',
    'plan',
    'spec',
    'answer',
    'design',
    'part',
    'build',
    'join',
    'critique',
    'rework',
    'prove',
    'triage',
  ],
  ahead: (task) => (task.spec?.kind === 'question' ? ['answer'] : [...planningAhead(task), ...changing(task), 'prove']),
  people: (task) => (task.spec?.kind === 'question' ? NOBODY() : reviewRows(task)),
}

/** A bug is fixed, or a feature built: from the request to the merge, and to where it serves. */
export const change = defineWorkflow({
  name: 'change',
  opensBy: ['plan', 'build', 'fix', 'request'],
  worksOn: ['issue', 'pull_request'],
  steps: [
    baseline,
    plan,
    spec,
    answer,
    design,
    build,
    part,
    join,
    critique,
    prove,
    triage,
    rework,
    releasePlan,
    deploy,
    watch,
    rollback,
  ],
  gates: [baselineGate, questionGate, planGate, deployGate, budgetGate],
  stages: [WORK, { ...RELEASE_AFTER, ahead: (task) => (isReleased(task) ? RELEASE_AFTER.ahead(task) : []) }],
  follows: [whenRoundsAreOver, whenStale, whenApproved, whenTried, whenAwaited, whenMerged, whenAnswered],
  movesTickets: true,
  endsWithIssue: ({ pullRequest, merged }) => pullRequest === undefined && merged === undefined,
  readsWords: ({ merged }) => merged === undefined,
  mayRelease: (task) => task.merged !== undefined && isReleased(task),
  isFulfilled: (task) => task.merged !== undefined && isLive(task),
  isQuestion: false,
})
