import type { Privacy } from '../core/settings.ts'
import type { ModelName, Needs } from './types.ts'

/** Which models serve a tier, the one that is asked first in front. */
export type ModelsByTier = Readonly<Record<Needs['tier'], readonly ModelName[]>>

/** What is needed, with why the tier is what it is, where that was weighed. */
export type Weighed = Needs & { readonly reason?: string | undefined }

/** Whom to ask, in order. */
export interface Order {
  readonly models: readonly ModelName[]
  readonly reason: string
}

/**
 * The order in which models are asked: those that the operator named for the tier, as far as what is said may go to them. Whoever
 * answered last in a conversation goes on with it: the others would have to be told all of it anew.
 * @param isLocal whether what is said to a provider stays on the operator's own machines
 */
export function orderOf(needs: Weighed, models: ModelsByTier, isLocal: (provider: string) => boolean): Order {
  const { tier, privacy, last, reason } = needs
  const allowed = allowedIn(models, tier, privacy, isLocal)
  const going = allowed.find((one) => last && sameModel(one, last))
  if (!going || going === allowed[0]) return { models: allowed, reason: reason ?? reasonFor(privacy, tier) }
  return { models: [going, ...allowed.filter((one) => one !== going)], reason: 'goes on with this conversation' }
}

/** Of the tier; where only local ones may be asked and it has none, those of the others, the dearer tiers first. */
function allowedIn(
  models: ModelsByTier,
  tier: Needs['tier'],
  privacy: Privacy,
  isLocal: (provider: string) => boolean,
): readonly ModelName[] {
  if (privacy === 'any') return models[tier]
  const local = [...models[tier], ...models.complex, ...models.general, ...models.simple].filter(({ provider }) =>
    isLocal(provider),
  )
  return eachOnce(local)
}

function reasonFor(privacy: Privacy, tier: Needs['tier']): string {
  return privacy === 'local' ? `${tier}, on local models only` : tier
}

export function sameModel(one: ModelName, other: ModelName): boolean {
  return one.provider === other.provider && one.model === other.model
}

/** Where one is named twice, the first counts. */
export function eachOnce(models: readonly ModelName[]): ModelName[] {
  return models.filter((one, index) => models.findIndex((other) => sameModel(one, other)) === index)
}
