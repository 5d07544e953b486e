import { costReply, helpReply, statusReply } from '../reply/answers.ts'
import { accepted } from '../deciding/commands.ts'
import type { CommandDefinition } from './define.ts'
import { notYet } from './later.ts'
import { alone } from './parse.ts'

/** What only tells. */
const TELLS = { tells: true, takesWords: false } as const

export const status: CommandDefinition<'status'> = {
  ...TELLS,
  verb: 'status',
  usage: 'status',
  help: 'where the work stands',
  examples: ['status', 'Status?', 'status please'],
  parse: (line) => alone('status', line),
  decide: (task, said) => accepted('status', [], '', statusReply(task, said.receivedAt)),
}

export const cost: CommandDefinition<'cost'> = {
  ...TELLS,
  verb: 'cost',
  usage: 'cost',
  help: 'what it has cost so far, by step',
  examples: ['cost', 'cost?'],
  parse: (line) => alone('cost', line),
  decide: (task) => accepted('cost', [], '', costReply(task)),
}

export const notify: CommandDefinition<'notify'> = {
  tells: false,
  takesWords: false,
  verb: 'notify',
  usage: 'notify',
  help: undefined,
  examples: ['notify'],
  // `notify customers by e-mail` is prose.
  parse: (line) => alone('notify', line),
  decide: notYet,
}

/** Answered by the inbox, which knows the events. */
export const why: CommandDefinition<'why'> = {
  ...TELLS,
  verb: 'why',
  usage: 'why',
  help: 'what was decided on the latest events here, and why',
  examples: ['why', 'why?'],
  parse: (line) => alone('why', line),
  decide: () => accepted('why', []),
}

export const help: CommandDefinition<'help'> = {
  ...TELLS,
  verb: 'help',
  usage: 'help',
  help: 'this list',
  examples: ['help', 'Help!'],
  parse: (line) => alone('help', line),
  decide: (_task, _said, _command, all) => accepted('help', [], '', helpReply(all)),
}
