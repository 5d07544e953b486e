import { defineTarget } from '../module.ts'
import { SSH_KEYS } from './settings.ts'

/** Containers on another host, behind the HAProxy that it has. */
export const ssh = defineTarget({
  name: 'ssh-haproxy',
  title: 'SSH + HAProxy',
  describe: '`ssh-haproxy`: containers on a host that the operator names, behind its HAProxy.',
  keys: SSH_KEYS,
  weighs: true,
  stored: ({ health_timeout, ...own }) => ({ ...own, healthTimeoutSeconds: health_timeout }),
  open: async (deps) => new (await import('./target.ts')).SshTarget(deps),
})
