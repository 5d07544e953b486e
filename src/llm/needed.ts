import type { Tier } from '../core/settings.ts'
import type { ProviderModule } from './module.ts'
import { PROVIDERS, type ProviderSettings } from './registry.ts'
import type { ModelName } from './types.ts'

interface Chosen {
  readonly models: Readonly<Record<Tier, ModelName>>
  readonly providers: ProviderSettings
}

/** Whose models were chosen. */
export function neededProviders({ models }: Pick<Chosen, 'models'>): ProviderModule[] {
  const names = new Set(Object.values(models).map(({ provider }) => provider))
  return [...names].map((name) => PROVIDERS.of(name))
}

/** Those of them that are not set up. */
export function missingProviders({ models, providers }: Chosen): ProviderModule[] {
  return neededProviders({ models }).filter(({ name }) => !providers.has(name))
}
