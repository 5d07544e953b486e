import type { EnvProblem } from '../core/environment.ts'
import type { ModelsByTier } from '../llm/order.ts'
import { PROVIDERS } from '../llm/registry.ts'
import type { ModelName } from '../llm/types.ts'

export const DEFAULT_MODELS =
  'complex=anthropic:claude-opus-5-5,general=anthropic:claude-sonnet-5-5,simple=anthropic:claude-haiku-5-5'
const FALLBACK = 'complex=anthropic:claude-opus-5-5|openai:gpt-5.6-sol,general=anthropic:claude-sonnet-5-5'

/** Reads `MUSTER_MODELS`: `tier=provider:model|provider:model`, with commas between; whoever stands behind a `|` stands in. */
export function readModels(text: string | undefined, problems: EnvProblem[]): ModelsByTier {
  const given = new Map<string, readonly ModelName[]>()
  for (const part of (text || DEFAULT_MODELS)
    .split(',')
    .map((piece) => piece.trim())
    .filter(Boolean)) {
    const [, tier, names = ''] = /^(complex|general|simple)=(.+)$/.exec(part) ?? []
    const order = names.split('|').map((name) => readModel(name.trim()))
    const wrong = order.find((one) => typeof one === 'string')
    if (!tier || wrong !== undefined)
      problems.push({
        variable: 'MUSTER_MODELS',
        wrong: wrong ?? `"${part}" is not tier=provider:model`,
        example: FALLBACK,
      })
    else
      given.set(
        tier,
        order.filter((one) => typeof one !== 'string'),
      )
  }
  const otherwise = given.get('general') ?? given.get('complex') ?? given.get('simple') ?? []
  const of = (tier: string) => given.get(tier) ?? otherwise
  return { complex: of('complex'), general: of('general'), simple: of('simple') }
}

/** @returns what is wrong with it, where it names no model */
function readModel(name: string): ModelName | string {
  const [, provider = '', model = ''] = /^([\w/-]+):(.+)$/.exec(name) ?? []
  if (model === '') return `"${name}" is not provider:model`
  const named = PROVIDERS.named(provider)
  if (!named) return `there is no provider "${provider}" (there is: ${PROVIDERS.names().join(', ')})`
  return { provider: named, model }
}
