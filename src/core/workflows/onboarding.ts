import { SETTINGS_PATH } from '../survey.ts'
import type { Task, TaskEvent } from '../task/types.ts'
import { defineStep, defineWorkflow, onceWhen, type PeopleRow } from './define.ts'

/** The tests as they are, how long they take, what is missing: without a model, before anybody asks for anything. */
const survey = defineStep({
  kind: 'survey',
  role: 'qa',
  name: 'A first look',
  phase: { name: 'A first look', countsRounds: false },
  needs: [],
  costs: false,
  wanted: (task) => onceWhen(task, 'survey', true),
})

function mergeRow({ merged, pullRequest }: Task): PeopleRow[] {
  return [{ id: 'merge', what: 'Merge', phase: 'Merge', state: merged ? 'done' : pullRequest ? 'waiting' : 'ahead' }]
}

function whenMerged({ merged }: Task): TaskEvent[] {
  return merged ? [{ type: 'task.finished', outcome: 'the settings are merged' }] : []
}

/** A repository that Muster was just let into: what was found, and the settings that would do, as a pull request. */
export const onboarding = defineWorkflow({
  name: 'onboarding',
  opensBy: [],
  steps: [survey],
  gates: [],
  stages: [{ steps: ['survey'], ahead: () => ['survey'], people: mergeRow }],
  follows: [whenMerged],
  movesTickets: false,
  endsWithIssue: () => false,
  readsWords: () => false,
  mayRelease: () => false,
  isFulfilled: ({ merged }) => merged !== undefined,
  isQuestion: false,
  // The one file that no model has a hand in.
  mayChange: [SETTINGS_PATH],
  branch: 'muster/configure',
  hasCard: false,
})
