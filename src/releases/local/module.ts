import { defineTarget } from '../module.ts'
import { LOCAL_KEYS } from './settings.ts'

/** Processes on this machine, behind the built-in proxy. */
export const local = defineTarget({
  name: 'local-process',
  title: 'local process',
  describe: 'Where it is deployed. `local-process`: on this machine, behind the built-in proxy.',
  keys: LOCAL_KEYS,
  stored: ({ health_timeout, ...own }) => ({ ...own, healthTimeoutSeconds: health_timeout }),
  open: async (deps) => new (await import('./target.ts')).LocalTarget(deps),
})
