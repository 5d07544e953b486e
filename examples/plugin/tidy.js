// @ts-check
import { artefactOf, defineStep, defineWorkflow, list, NOBODY, onceWhen, paragraph, say, z } from 'muster/plugin'
import { notesOf } from './notes.js'

const Sorted = z.object({ first: z.array(z.string()), why: z.string() })

/** Whether the last step of a kind is done. */
function isDone(
  /** @type {import('muster/plugin').Task} */ task,
  /** @type {import('muster/plugin').StepKind} */ kind,
) {
  return task.steps.some((step) => step.kind === kind && step.status === 'done')
}

const find = defineStep({
  kind: 'example/find',
  role: 'example/keeper',
  name: 'Notes in the code',
  phase: { name: 'Look', countsRounds: false },
  needs: [],
  // No model is paid for it.
  costs: false,
  wanted: (task) => onceWhen(task, 'example/find', true),
})

const sort = defineStep({
  kind: 'example/sort',
  role: 'example/keeper',
  name: 'What matters',
  phase: { name: 'Sort', countsRounds: false },
  needs: ['example/find'],
  costs: true,
  wanted: (task) => onceWhen(task, 'example/sort', isDone(task, 'example/find') && notesOf(task).notes.length > 0),
  // What is told in the conversation once it is done. Plain strings are somebody else's words, and are made harmless.
  tells(task) {
    const { first, why } = Sorted.parse(artefactOf(task, 'example/sort'))
    const { notes } = notesOf(task)
    return [paragraph(say`**${notes.length} notes are left in the code.** These first:`), list(first), paragraph(why)]
  },
})

/** Looks for what was left to be done, and says what to begin with. Nothing is changed. */
export const tidy = defineWorkflow({
  name: 'example/tidy',
  opensBy: ['example/tidy'],
  steps: [find, sort],
  gates: [{ kind: 'budget', holds: 'costs', wanted: () => [] }],
  stages: [
    {
      steps: ['example/find', 'example/sort'],
      ahead: () => ['example/find', 'example/sort'],
      people: NOBODY,
    },
  ],
  // The end: sorted, or nothing was there to be sorted.
  follows: [
    (task) => {
      if (isDone(task, 'example/sort')) return [{ type: 'task.finished', outcome: 'sorted' }]
      return isDone(task, 'example/find') && notesOf(task).notes.length === 0
        ? [{ type: 'task.finished', outcome: 'nothing is left to be done' }]
        : []
    },
  ],
  movesTickets: false,
  endsWithIssue: () => true,
  readsWords: () => false,
  mayRelease: () => false,
  isFulfilled: () => true,
  isQuestion: true,
})

/** @type {import('muster/plugin').AddedCommand} */
export const command = {
  name: 'example/tidy',
  word: 'tidy',
  usage: 'tidy',
  help: 'look for what was left to be done in the code, and say what to begin with',
  examples: ['tidy', 'Tidy.'],
  tells: false,
  takesWords: false,
}
