import { defineTarget } from '../module.ts'
import { ACTIONS_KEYS, DEPLOYMENTS_KEYS, ENVIRONMENT_KEYS } from './settings.ts'

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

/** Wherever a workflow deploys to that waits for Muster at an environment of GitHub's. */
export const environment = defineTarget({
  name: 'github-environment',
  title: 'a workflow that waits at this environment',
  describe:
    '`github-environment`: by a workflow that waits at the environment of that name on GitHub until Muster lets it go on (a custom deployment protection rule).',
  keys: ENVIRONMENT_KEYS,
  stored,
  open: async (deps) => new (await import('./target.ts')).RunTarget(deps, deps.awaiting, 'waiting'),
})
