import type { Task, TaskEvent } from '../task/types.ts'
import { countsText } from '../review/counts.ts'
import { defineStep, defineWorkflow, NOBODY, onceWhen } from './define.ts'
import { budgetGate } from './planning.ts'

/** One look at one head of somebody's pull request. */
const look = defineStep({
  kind: 'review',
  role: 'qa',
  name: 'Review',
  phase: { name: 'Review', countsRounds: true },
  needs: [],
  costs: true,
  wanted: (task) => onceWhen(task, 'review', true),
  // What the one before says is not said again.
  when: ({ steps }) => !steps.some(({ kind, status }) => kind === 'review' && status === 'running'),
})

/** Over with the last look; another one, asked for later, goes on with the same task. */
function whenReviewed(task: Task): TaskEvent[] {
  const isOpen = task.steps.some(({ status }) => status === 'pending' || status === 'running' || status === 'failed')
  const last = task.reviews?.at(-1)
  const isLooked = task.steps.some(({ status }) => status === 'done')
  return last && isLooked && !isOpen ? [{ type: 'task.finished', outcome: countsText(last.findings) }] : []
}

/** Somebody's pull request is looked at; nothing is changed. */
export const review = defineWorkflow({
  name: 'review',
  opensBy: ['review'],
  steps: [look],
  gates: [budgetGate],
  stages: [{ steps: ['review'], ahead: () => ['review'], people: NOBODY }],
  follows: [whenReviewed],
  movesTickets: false,
  worksOn: ['pull_request'],
  again: 'review',
  endsWithIssue: () => false,
  readsWords: () => true,
  mayRelease: () => false,
  isFulfilled: () => true,
  isQuestion: false,
})
