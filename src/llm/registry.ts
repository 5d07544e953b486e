import type { Env, EnvProblem } from '../core/environment.ts'
import { registry } from '../core/registry.ts'
import { bedrock, vertex } from './anthropic/clouds.ts'
import { anthropic } from './anthropic/module.ts'
import type { ProviderModule, ProviderSetup } from './module.ts'
import { local, openai } from './openai/module.ts'
import type { CoreProvider } from './types.ts'

/** Every provider, one line each. */
export const PROVIDERS = registry<CoreProvider, ProviderModule>('the model provider', {
  anthropic,
  openai,
  local,
  bedrock,
  vertex,
})

/** Those that are set up, by their names. */
export type ProviderSettings = ReadonlyMap<string, ProviderSetup>

/** Reads which providers are set up. */
export function readProviders(env: Env, problems: EnvProblem[]): ProviderSettings {
  const found = PROVIDERS.all().flatMap(({ name, settings }) => {
    const setup = settings(env, problems)
    return setup ? [[name, setup] as const] : []
  })
  return new Map<string, ProviderSetup>(found)
}
