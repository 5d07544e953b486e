import { address, type Env, type EnvProblem } from '../../core/environment.ts'
import type { ProviderHealth, ProviderModule, ProviderSetup } from '../module.ts'
import { priceOf } from './prices.ts'

const SERVICE = 'https://api.openai.com/v1'

/** By which of its two interfaces a service is asked. */
export type Interface = 'responses' | 'chat'

/** A service that speaks one of them. */
export interface Service {
  readonly baseUrl: string
  readonly apiKey: string
  readonly by: Interface
  /** OpenAI's own, which knows parameters that others refuse. */
  readonly isOpenai: boolean
  /** What the operator has to look at where it does not take the key, or a model. */
  readonly variables: { readonly key: string; readonly url: string }
}

/** OpenAI's models, by its Responses or its Chat Completions interface; Azure's and others' that speak them, by `OPENAI_BASE_URL`. */
export const openai: ProviderModule = {
  name: 'openai',
  title: 'OpenAI',
  needs: 'OPENAI_API_KEY',
  variables: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_INTERFACE'],
  isLocal: false,
  priceOf,
  capabilities: { outputTokens: 32_000, windowTokens: 200_000, patches: true, pictures: true },
  settings(env, problems) {
    // Told though there may be no key yet: nobody finds out later.
    const baseUrl = address(env, 'OPENAI_BASE_URL', SERVICE, problems)
    const by = readInterface(env, 'OPENAI_INTERFACE', 'responses', problems)
    const apiKey = env['OPENAI_API_KEY']
    if (!apiKey) return undefined
    const variables = { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL' }
    return setUp({ baseUrl, apiKey, by, isOpenai: baseUrl === SERVICE, variables })
  },
}

/** Models on the operator's own machines: Ollama, vLLM, llama.cpp, LM Studio, and whatever else speaks OpenAI's interface. */
export const local: ProviderModule = {
  name: 'local',
  title: 'local models',
  needs: 'LOCAL_MODEL_URL',
  variables: [
    'LOCAL_MODEL_URL',
    'LOCAL_MODEL_KEY',
    'LOCAL_MODEL_INTERFACE',
    'LOCAL_MODEL_WINDOW',
    'LOCAL_MODEL_PICTURES',
  ],
  isLocal: true,
  // The machine is there anyway; `MUSTER_PRICES` says otherwise.
  priceOf: () => ({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }),
  capabilities: { outputTokens: 8000, windowTokens: 32_000 },
  settings(env, problems) {
    const by = readInterface(env, 'LOCAL_MODEL_INTERFACE', 'chat', problems)
    const apiKey = env['LOCAL_MODEL_KEY'] || ''
    if (!env['LOCAL_MODEL_URL']) return undefined
    const baseUrl = address(env, 'LOCAL_MODEL_URL', '', problems, 'http://127.0.0.1:11434/v1')
    const variables = { key: 'LOCAL_MODEL_KEY', url: 'LOCAL_MODEL_URL' }
    const windowTokens = readWindow(env, problems)
    const pictures = readSwitch(env, 'LOCAL_MODEL_PICTURES', problems)
    return { ...setUp({ baseUrl, apiKey, by, isOpenai: false, variables }), windowTokens, pictures }
  },
}

/** A window that leaves no room for an answer is none. */
const LEAST_WINDOW = 12_000

function readWindow(env: Env, problems: EnvProblem[]): number | undefined {
  const text = env['LOCAL_MODEL_WINDOW']
  if (!text) return undefined
  if (/^\d{1,8}$/.test(text) && Number(text) >= LEAST_WINDOW) return Number(text)
  const wrong = `"${text}" is no number of tokens from ${LEAST_WINDOW} on`
  problems.push({ variable: 'LOCAL_MODEL_WINDOW', wrong, example: '32000' })
  return undefined
}

function readSwitch(env: Env, variable: string, problems: EnvProblem[]): boolean {
  const value = env[variable] || '0'
  if (value !== '0' && value !== '1') problems.push({ variable, wrong: `"${value}" is neither 0 nor 1`, example: '1' })
  return value === '1'
}

function readInterface(env: Env, variable: string, otherwise: Interface, problems: EnvProblem[]): Interface {
  const value = env[variable] || otherwise
  if (value === 'responses' || value === 'chat') return value
  problems.push({ variable, wrong: `"${value}" is neither responses nor chat`, example: otherwise })
  return otherwise
}

function setUp(service: Service): ProviderSetup {
  return {
    secrets: service.apiKey ? [service.apiKey] : [],
    addresses: [[service.variables.url, service.baseUrl]],
    open: async () => (await import('./client.ts')).openaiProvider(service),
    look: () => look(service),
  }
}

async function look({ baseUrl, apiKey, variables }: Service): Promise<ProviderHealth> {
  const response = await fetch(`${baseUrl}/models`, {
    headers: apiKey ? { authorization: `Bearer ${apiKey}` } : {},
    signal: AbortSignal.timeout(15_000),
  }).catch(() => undefined)
  if (!response)
    return { state: 'problem', detail: `${baseUrl} cannot be reached`, fix: `Check the network, or ${variables.url}.` }
  if (response.status === 401 || response.status === 403)
    return { state: 'problem', detail: 'the key is not accepted', fix: `Check ${variables.key}.` }
  return response.ok
    ? { state: 'ok', detail: apiKey ? 'the key is accepted' : `${baseUrl} answers` }
    : {
        state: 'warning',
        detail: `${baseUrl}/models answers with ${response.status}`,
        fix: `Does ${variables.url} end where the interface begins (usually /v1)?`,
      }
}
