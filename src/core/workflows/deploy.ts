import { defineWorkflow } from './define.ts'
import {
  deploy as deployStep,
  deployGate,
  isLive,
  RELEASE_STAGE,
  releasePlan,
  watch,
  whenReleased,
} from './releasing.ts'

/** What is merged already is released. */
export const deploy = defineWorkflow({
  name: 'deploy',
  opensBy: ['deploy'],
  steps: [releasePlan, deployStep, watch],
  gates: [deployGate],
  stages: [RELEASE_STAGE],
  follows: [whenReleased],
  movesTickets: false,
  endsWithIssue: () => false,
  readsWords: () => false,
  mayRelease: () => true,
  isFulfilled: isLive,
  isQuestion: false,
})
