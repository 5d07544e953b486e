import { defineTarget } from '../module.ts'
import { ACTIONS_KEYS } from './settings.ts'

/** Wherever a workflow of GitHub Actions deploys to. */
export const actions = defineTarget({
  name: 'github-actions',
  title: 'GitHub Actions',
  describe: '`github-actions`: by a workflow of the repository, which is started for each deploy and waited for.',
  keys: ACTIONS_KEYS,
  stored: ({ timeout, ...own }) => ({ ...own, timeoutSeconds: timeout }),
  open: async (deps) => new (await import('./target.ts')).ActionsTarget(deps),
})
