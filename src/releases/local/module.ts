import { defineTarget } from '../module.ts'
import type { TargetDeps } from '../types.ts'
import { CONTAINER_KEYS, LOCAL_KEYS, OBJECT_KEYS } from './settings.ts'
import type { LocalTarget } from './target.ts'

/** What is served on this machine is served by one: whoever has the ports is asked by it alone. */
const machines = new WeakMap<TargetDeps, Promise<LocalTarget>>()

function machineOf(deps: TargetDeps): Promise<LocalTarget> {
  const known = machines.get(deps)
  if (known) return known
  const opened = import('./target.ts').then(({ LocalTarget }) => new LocalTarget(deps))
  machines.set(deps, opened)
  return opened
}

/** What was stored before there were secrets stays the same where there are none: approvals rest on its hash. */
const stored = ({ health_timeout, secrets, ...own }: Readonly<Record<string, unknown>>) => ({
  ...own,
  healthTimeoutSeconds: health_timeout,
  ...(Array.isArray(secrets) && secrets.length > 0 ? { secrets } : {}),
})

/** Processes on this machine, behind the built-in proxy. */
export const local = defineTarget({
  name: 'local-process',
  title: 'local process',
  describe: 'Where it is deployed. `local-process`: on this machine, behind the built-in proxy.',
  keys: LOCAL_KEYS,
  weighs: true,
  stored,
  open: machineOf,
})

/** Containers on this machine, behind the same proxy. */
export const container = defineTarget({
  name: 'container',
  title: 'container',
  describe: '`container`: on this machine, in a container of Podman or Docker, behind the built-in proxy.',
  keys: CONTAINER_KEYS,
  weighs: true,
  stored,
  open: machineOf,
})

/** Cloudflare Workers with Durable Objects on this machine, behind the same proxy. */
export const objects = defineTarget({
  name: 'durable-objects',
  title: 'Durable Objects',
  describe:
    '`durable-objects`: on this machine, a Cloudflare Worker and its objects, in workerd, behind the built-in proxy.',
  keys: OBJECT_KEYS,
  weighs: true,
  stored,
  open: machineOf,
})
