import { defineWorkflow } from './define.ts'
import {
  deploy as deployStep,
  deployGate,
  isLive,
  RELEASE_STAGE,
  releasePlan,
  rollback,
  watch,
  whenApproved,
  whenAwaited,
  whenReleased,
  whenStale,
  whenTried,
} from './releasing.ts'

/** What is merged already is released. */
export const deploy = defineWorkflow({
  name: 'deploy',
  opensBy: ['deploy', 'rollback', 'bisect'],
  steps: [releasePlan, deployStep, watch, rollback],
  gates: [deployGate],
  stages: [RELEASE_STAGE],
  follows: [whenStale, whenApproved, whenTried, whenAwaited, whenReleased],
  movesTickets: false,
  endsWithIssue: () => false,
  readsWords: () => false,
  mayRelease: () => true,
  isFulfilled: isLive,
  isQuestion: false,
})
