import { approve as approveIt, goOn, reject as rejectIt } from '../deciding/gates.ts'
import { words as wordsTo } from '../deciding/saying.ts'
import type { CommandDefinition } from './define.ts'
import { approval, more, wantedWords, words } from './parse.ts'

/** What decides at a gate. */

export const approve: CommandDefinition<'approve'> = {
  verb: 'approve',
  usage: 'approve [<sha>]',
  help: 'approve what is waiting (the plan, or the deploy)',
  examples: ['approve', 'Approve!', 'approve 0123abc'],
  tells: false,
  takesWords: false,
  parse: approval,
  decide: (task, said, { sha }) => approveIt(task, said, sha),
}

export const reject: CommandDefinition<'reject'> = {
  verb: 'reject',
  usage: 'reject [reason]',
  help: 'send the plan back, with the reason',
  examples: ['reject', 'reject sort by price, please'],
  tells: false,
  takesWords: true,
  parse: (line) => words('reject', line),
  decide: (task, said, { text, name }) => rejectIt(task, said, text, name),
}

export const answer: CommandDefinition<'answer'> = {
  verb: 'answer',
  usage: 'answer <text>',
  help: 'answer the questions asked',
  examples: ['answer the first one'],
  tells: false,
  takesWords: true,
  parse: (line) => wantedWords('answer', line),
  decide: (task, said, { text }) => wordsTo(task, said, text),
}

export const goOnWith: CommandDefinition<'continue'> = {
  verb: 'continue',
  usage: 'continue [+$N]',
  help: 'go on after the budget was reached, with N dollars more; or without proof, where the tests cannot be run',
  examples: ['continue', 'continue +$2', 'continue without proof'],
  tells: false,
  takesWords: false,
  parse: more,
  decide: (task, said, { usd }) => goOn(task, said, usd),
}
