import type { CommandOf } from '../command.ts'
import type { Decided, PersonCommand } from '../deciding/commands.ts'
import { lookAgain } from '../deciding/looking.ts'
import { cancel as cancelIt, noQuestion, retry as retryIt, startAgain } from '../deciding/saying.ts'
import type { Task } from '../task/types.ts'
import type { CommandDefinition } from './define.ts'
import { alone, wantedWords, words } from './parse.ts'

/** What begins work, ends it, or has it done once more. */
const WORDS = { tells: false, takesWords: true } as const
/** What people say about the pull request that they are in; anything else after the word is prose. */
const MEANS_IT = /^(this|it|the|my|our|pr|pull|request|change|changes|again|now|please|pls)[,.!]?$/i
const ALONE = { tells: false, takesWords: false } as const

/** Where work is under way already, it is told; words go into that. */
function again(task: Task, said: PersonCommand, { text }: CommandOf<'plan' | 'build' | 'fix'>): Decided {
  return startAgain(task, said, text)
}

export const plan: CommandDefinition<'plan'> = {
  ...WORDS,
  verb: 'plan',
  usage: 'plan',
  help: 'write the plan and wait for approval before building',
  examples: ['plan', 'plan faster quotes'],
  parse: (line) => words('plan', line),
  decide: again,
}

export const build: CommandDefinition<'build'> = {
  ...WORDS,
  verb: 'build',
  usage: 'build',
  help: 'do the work of this issue',
  examples: ['build', 'build a page of prices'],
  parse: (line) => words('build', line),
  decide: again,
}

export const fix: CommandDefinition<'fix'> = {
  ...WORDS,
  verb: 'fix',
  usage: 'fix',
  help: 'do the work of this issue, or what reviews say of this pull request',
  examples: ['fix', 'fix the rounding'],
  parse: (line) => words('fix', line),
  decide: again,
}

export const ask: CommandDefinition<'ask'> = {
  ...WORDS,
  verb: 'ask',
  usage: 'ask <question>',
  help: 'answer a question about the code, change nothing',
  examples: ['ask where are prices rounded?'],
  parse: (line) => wantedWords('ask', line),
  decide: noQuestion,
}

export const review: CommandDefinition<'review'> = {
  ...ALONE,
  readsSettings: true,
  politely: true,
  verb: 'review',
  usage: 'review',
  help: 'look for faults in this pull request, change nothing',
  examples: ['review', 'please review this PR'],
  parse: ({ rest }) => (rest.every((word) => MEANS_IT.test(word)) ? { verb: 'review', text: '' } : undefined),
  decide: lookAgain,
}

export const cancel: CommandDefinition<'cancel'> = {
  ...ALONE,
  verb: 'cancel',
  usage: 'cancel',
  help: 'stop the work and say what remains where',
  examples: ['cancel', 'Cancel.'],
  parse: (line) => alone('cancel', line),
  decide: cancelIt,
}

export const retry: CommandDefinition<'retry'> = {
  ...ALONE,
  readsSettings: true,
  politely: true,
  verb: 'retry',
  usage: 'retry',
  help: 'try the failed step again, or the tests that could not be run',
  examples: ['retry', 'please retry'],
  parse: (line) => alone('retry', line),
  decide: retryIt,
}
