import { deploy as deployTo, goBack, lookFor } from '../deciding/deploys.ts'
import type { CommandDefinition } from './define.ts'
import { accepted } from '../deciding/commands.ts'
import { place, range, target } from './parse.ts'

/** What is live where. The inbox carries `lock` and `unlock` out, which are about an environment and no task. */
const LINE = { tells: false, takesWords: false } as const

export const deploy: CommandDefinition<'deploy'> = {
  ...LINE,
  readsSettings: true,
  verb: 'deploy',
  usage: 'deploy <env> [<ref>]',
  help: 'plan a release of the merged work',
  examples: ['deploy production', 'deploy to staging', 'deploy production v1.2'],
  parse: (line) => target('deploy', line),
  decide: (task, said, { environment, ref, awaits }) => deployTo(task, said, environment, ref, awaits),
}

export const rollback: CommandDefinition<'rollback'> = {
  ...LINE,
  verb: 'rollback',
  readsSettings: true,
  usage: 'rollback <env> [<sha>]',
  help: 'put back what was live there before; that needs no second person, an earlier one does',
  examples: ['rollback production', 'rollback production 0123abc'],
  parse: (line) => target('rollback', line),
  decide: (task, said, { environment, ref }) => goBack(task, said, environment, ref),
}

export const bisect: CommandDefinition<'bisect'> = {
  ...LINE,
  verb: 'bisect',
  readsSettings: true,
  usage: 'bisect <env> [<good> <bad>]',
  help: 'find the commit that made it worse, by deploying from the middle; without commits, of the release that got worse here',
  examples: ['bisect staging', 'bisect staging 0123abc 89def01'],
  parse: (line) => range('bisect', line),
  decide: (task, said, command) => lookFor(task, said, command),
}

export const lock: CommandDefinition<'lock'> = {
  ...LINE,
  verb: 'lock',
  usage: 'lock <env> [reason]',
  help: 'nobody deploys there until it is unlocked; `lock <env> --info` tells what is live there and who waits',
  examples: ['lock production until monday', 'lock production --info'],
  options: ['--info'],
  parse: (line) => place('lock', line),
  decide: () => accepted('environment', []),
}

export const unlock: CommandDefinition<'unlock'> = {
  ...LINE,
  verb: 'unlock',
  usage: 'unlock <env> [<sha>]',
  help: 'lift that again; with the commit that was taken back there: let it go live again',
  examples: ['unlock production', 'unlock production 0123abc'],
  parse: (line) => place('unlock', line),
  decide: () => accepted('environment', []),
}
