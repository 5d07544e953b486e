import { UserError } from '../core/errors.ts'
import { registry } from '../core/registry.ts'
import type { CoreTarget } from '../core/settings.ts'
import { actions, deployments, environment } from './runs/module.ts'
import { cloudflare } from './cloudflare/module.ts'
import { command } from './command/module.ts'
import { kubernetes } from './kubernetes/module.ts'
import { container, local, objects } from './local/module.ts'
import type { TargetModule } from './module.ts'
import { ssh } from './ssh/module.ts'
import type { Target, TargetDeps, Targets } from './types.ts'

/** Every target, one line each. */
export const TARGETS = registry<CoreTarget, TargetModule>('the target', {
  'local-process': local,
  container,
  'durable-objects': objects,
  'ssh-haproxy': ssh,
  kubernetes,
  cloudflare,
  command,
  'github-actions': actions,
  'github-deployments': deployments,
  'github-environment': environment,
})

/** What a plan calls a target. */
export function targetTitle(name: string): string {
  return TARGETS.get(name)?.title ?? name
}

/** Opens every target that there is. @param over what stands for one of them here */
export async function openTargets(
  deps: TargetDeps,
  over: (name: string, target: Target) => Target = (_, target) => target,
): Promise<Targets> {
  const opened = await Promise.all(
    TARGETS.all().map(async ({ name, open }) => [name, over(name, await open(deps))] as const),
  )
  return targetsOf(Object.fromEntries<Target>(opened))
}

/** Targets by their names. */
export function targetsOf(byName: Readonly<Record<string, Target>>): Targets {
  return {
    byName,
    of(name) {
      const found = Object.hasOwn(byName, name) ? byName[name] : undefined
      if (found) return found
      throw new UserError('unknown_target', `This server deploys to no target \`${name}\`.`, {
        hint: 'See `environments` in `.github/muster.yml`, and which plug-ins the operator has set up.',
      })
    },
  }
}
