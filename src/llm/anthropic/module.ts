import { address } from '../../core/environment.ts'
import type { ProviderHealth, ProviderModule } from '../module.ts'
import { priceOf } from './prices.ts'

const SERVICE = 'https://api.anthropic.com'

interface Account {
  readonly apiKey: string
  readonly baseUrl: string
}

/** Anthropic's models, by their Messages API. */
export const anthropic: ProviderModule = {
  name: 'anthropic',
  title: 'Anthropic',
  needs: 'ANTHROPIC_API_KEY',
  variables: ['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL'],
  isLocal: false,
  priceOf,
  capabilities: { outputTokens: 32_000, windowTokens: 200_000, pictures: true },
  settings(env, problems) {
    // Told though there may be no key yet: nobody finds out later.
    const baseUrl = address(env, 'ANTHROPIC_BASE_URL', SERVICE, problems)
    const apiKey = env['ANTHROPIC_API_KEY']
    if (!apiKey) return undefined
    return {
      secrets: [apiKey],
      addresses: [['ANTHROPIC_BASE_URL', baseUrl]],
      open: async () => (await import('./client.ts')).anthropicProvider({ apiKey, baseUrl }),
      look: () => look({ apiKey, baseUrl }),
    }
  },
}

async function look({ apiKey, baseUrl }: Account): Promise<ProviderHealth> {
  const response = await fetch(`${baseUrl}/v1/models`, {
    headers: { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
    signal: AbortSignal.timeout(15_000),
  }).catch(() => undefined)
  if (!response)
    return {
      state: 'problem',
      detail: `${baseUrl} cannot be reached`,
      fix: 'Check the network, or ANTHROPIC_BASE_URL.',
    }
  return response.status === 401 || response.status === 403
    ? { state: 'problem', detail: 'the key is not accepted', fix: 'Check ANTHROPIC_API_KEY.' }
    : { state: 'ok', detail: 'the key is accepted' }
}
