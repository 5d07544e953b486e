import type { ProviderModule } from './module.ts'
import { PROVIDERS, type ProviderSettings } from './registry.ts'
import { eachOnce, type ModelsByTier } from './order.ts'
import type { ModelName } from './types.ts'

interface Chosen {
  readonly models: ModelsByTier
  readonly providers: ProviderSettings
}

/** Every model that was chosen, once. */
export function chosenModels({ models }: Pick<Chosen, 'models'>): ModelName[] {
  return eachOnce(Object.values(models).flat())
}

/** Whose models were chosen. */
export function neededProviders({ models }: Pick<Chosen, 'models'>): ProviderModule[] {
  const names = new Set(chosenModels({ models }).map(({ provider }) => provider))
  return [...names].map((name) => PROVIDERS.of(name))
}

/** The providers without which a tier has no model at all: where another stands behind one that is not set up, that does. */
export function missingProviders({ models, providers }: Chosen): ProviderModule[] {
  const firsts = Object.values(models).flatMap((order) =>
    order.some(({ provider }) => providers.has(provider)) ? [] : order.slice(0, 1),
  )
  return [...new Set(firsts.map(({ provider }) => provider))].map((name) => PROVIDERS.of(name))
}
