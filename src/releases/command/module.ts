import { defineTarget } from '../module.ts'
import { COMMAND_KEYS } from './settings.ts'

/** Whatever a command of the repository's deploys to. */
export const command = defineTarget({
  name: 'command',
  title: 'command',
  describe: '`command`: wherever a command of yours deploys to, run on Muster’s machine.',
  keys: COMMAND_KEYS,
  stored: ({ timeout, ...own }) => ({ ...own, timeoutSeconds: timeout }),
  open: async (deps) => new (await import('./target.ts')).CommandTarget(deps),
})
