import { authorities, proxyFor } from '../config/proxies.ts'
import type { Settings } from '../config/env.ts'
import type { Env } from '../core/environment.ts'
import { DEFAULT_LIMITS } from '../workspace/confined.ts'
import { openSandbox } from '../workspace/sandbox.ts'
import type { Sandbox } from '../workspace/types.ts'
import type { Outside } from '../workspace/wayout.ts'

/** The sandbox as the operator set it up, with the way out that a set-up may take. */
export function sandboxOf(
  settings: Pick<Settings, 'sandbox' | 'setupHosts' | 'registries' | 'containers'>,
  env: Env,
): Sandbox {
  const out: Outside = {
    hosts: settings.setupHosts,
    registries: settings.registries,
    proxyFor: (host) => proxyFor(env, host),
    authorities: authorities(env),
  }
  return openSandbox(settings.sandbox, DEFAULT_LIMITS, out, settings.containers)
}
