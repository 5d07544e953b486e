import { defineWorkflow, NOBODY } from './define.ts'
import { answerAlways, budgetGate, questionGate, specAtOnce, whenAnswered } from './planning.ts'

/** A question is answered from the code; nothing is changed. */
export const question = defineWorkflow({
  name: 'question',
  opensBy: ['ask'],
  steps: [specAtOnce, answerAlways],
  gates: [questionGate, budgetGate],
  stages: [{ steps: ['spec', 'answer'], ahead: () => ['answer'], people: NOBODY }],
  follows: [whenAnswered],
  movesTickets: false,
  worksOn: ['issue', 'pull_request'],
  endsWithIssue: () => true,
  readsWords: () => true,
  mayRelease: () => false,
  isFulfilled: () => true,
  isQuestion: true,
})
