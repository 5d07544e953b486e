import { deploy as deployTo } from '../deciding/deploys.ts'
import type { CommandDefinition } from './define.ts'
import { notYet } from './later.ts'
import { place, target } from './parse.ts'

/** What is live where. */
const LINE = { tells: false, takesWords: false } as const

export const deploy: CommandDefinition<'deploy'> = {
  ...LINE,
  readsSettings: true,
  verb: 'deploy',
  usage: 'deploy <env> [<ref>]',
  help: 'plan a release of the merged work',
  examples: ['deploy production', 'deploy to staging', 'deploy production v1.2'],
  parse: (line) => target('deploy', line),
  decide: (task, said, { environment, ref }) => deployTo(task, said, environment, ref),
}

export const rollback: CommandDefinition<'rollback'> = {
  ...LINE,
  verb: 'rollback',
  usage: 'rollback <env> [<sha>]',
  help: undefined,
  examples: ['rollback production'],
  parse: (line) => target('rollback', line),
  decide: notYet,
}

export const lock: CommandDefinition<'lock'> = {
  ...LINE,
  verb: 'lock',
  usage: 'lock <env> [reason]',
  help: undefined,
  examples: ['lock production until monday'],
  parse: (line) => place('lock', line),
  decide: notYet,
}

export const unlock: CommandDefinition<'unlock'> = {
  ...LINE,
  verb: 'unlock',
  usage: 'unlock <env>',
  help: undefined,
  examples: ['unlock production'],
  parse: (line) => place('unlock', line),
  decide: notYet,
}
