import { build, prove, reviewRows, rework, whenRoundsAreOver } from './building.ts'
import { defineWorkflow, NOBODY, type Stage } from './define.ts'
import {
  answer,
  baseline,
  baselineGate,
  budgetGate,
  design,
  planGate,
  questionGate,
  spec,
  whenAnswered,
} from './planning.ts'
import { deploy, deployGate, isLive, RELEASE_AFTER, releasePlan, watch, whenMerged } from './releasing.ts'

const WORK: Stage = {
  steps: ['baseline', 'spec', 'answer', 'design', 'build', 'rework', 'prove'],
  ahead: ({ spec: made }) => (made?.kind === 'question' ? ['answer'] : ['spec', 'design', 'build', 'prove']),
  people: (task) => (task.spec?.kind === 'question' ? NOBODY() : reviewRows(task)),
}

/** A bug is fixed, or a feature built: from the request to the merge, and to where it serves. */
export const change = defineWorkflow({
  name: 'change',
  opensBy: ['plan', 'build', 'fix', 'request'],
  steps: [baseline, spec, answer, design, build, prove, rework, releasePlan, deploy, watch],
  gates: [baselineGate, questionGate, planGate, deployGate, budgetGate],
  stages: [
    WORK,
    { ...RELEASE_AFTER, ahead: (task) => (task.spec?.kind === 'question' ? [] : RELEASE_AFTER.ahead(task)) },
  ],
  follows: [whenRoundsAreOver, whenMerged, whenAnswered],
  movesTickets: true,
  endsWithIssue: ({ pullRequest, merged }) => pullRequest === undefined && merged === undefined,
  readsWords: ({ merged }) => merged === undefined,
  mayRelease: ({ merged }) => merged !== undefined,
  isFulfilled: (task) => task.merged !== undefined && isLive(task),
  isQuestion: false,
})
