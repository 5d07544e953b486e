import { defineTarget } from '../module.ts'
import { KUBERNETES_KEYS } from './settings.ts'

/** A Deployment in a cluster, by kubectl as the operator has it set up. */
export const kubernetes = defineTarget({
  name: 'kubernetes',
  title: 'Kubernetes',
  describe: '`kubernetes`: manifests of the repository, applied to a cluster and namespace that the operator names.',
  keys: KUBERNETES_KEYS,
  stored: ({ timeout, ...own }) => ({ ...own, timeoutSeconds: timeout }),
  open: async (deps) => new (await import('./target.ts')).KubernetesTarget(deps),
})
