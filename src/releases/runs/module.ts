import { defineTarget } from '../module.ts'
import { ACTIONS_KEYS, DEPLOYMENTS_KEYS } from './settings.ts'

/** What was stored before approvals rest on its hash: a span is a number of seconds. */
const stored = ({ timeout, ...own }: Readonly<Record<string, unknown>>) => ({ ...own, timeoutSeconds: timeout })

/** Wherever a workflow of GitHub Actions deploys to. */
export const actions = defineTarget({
  name: 'github-actions',
  title: 'GitHub Actions',
  describe: '`github-actions`: by a workflow of the repository, which is started for each deploy and waited for.',
  keys: ACTIONS_KEYS,
  stored,
  open: async (deps) => new (await import('./target.ts')).RunTarget(deps, deps.workflows, 'workflow'),
})

/** Wherever another system deploys to that hears of deployments on GitHub. */
export const deployments = defineTarget({
  name: 'github-deployments',
  title: 'another system, by GitHub deployments',
  describe:
    '`github-deployments`: by another system, which is told by a deployment on GitHub and tells by its statuses.',
  keys: DEPLOYMENTS_KEYS,
  stored,
  open: async (deps) => new (await import('./target.ts')).RunTarget(deps, deps.shipments, 'deployment'),
})
