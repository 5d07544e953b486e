import { address, type Env } from '../../core/environment.ts'
import type { ProviderHealth, ProviderModule, ProviderSetup } from '../module.ts'
import { installing, onDemand } from '../ondemand.ts'
import { ModelError, type ModelProvider } from '../types.ts'
import { priceOf } from './prices.ts'

/** Anthropic's models in other clouds, by Anthropic's own clients for them, which are installed on demand. */

/** One of them: its package, the client's name in it, and how that is made. */
interface Cloud {
  readonly packageName: string
  readonly version: string
  readonly client: string
  /** What the operator has to look at where it is not let in. */
  readonly look: string
  /** Whether answers come bit by bit. */
  readonly streams: boolean
}

const BEDROCK: Cloud = {
  packageName: '@anthropic-ai/bedrock-sdk',
  version: '1.1.3',
  client: 'AnthropicBedrock',
  look: '`AWS_REGION`, and the credentials (`AWS_BEARER_TOKEN_BEDROCK`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`)',
  // They would come in a form of its own that gateways seldom pass on.
  streams: false,
}
const VERTEX: Cloud = {
  packageName: '@anthropic-ai/vertex-sdk',
  version: '1.1.3',
  client: 'AnthropicVertex',
  look: '`VERTEX_PROJECT`, `VERTEX_REGION`, and the credentials (`GOOGLE_APPLICATION_CREDENTIALS`, or `VERTEX_ACCESS_TOKEN`)',
  streams: true,
}

/** Anthropic's models on Amazon Bedrock. */
export const bedrock: ProviderModule = {
  name: 'bedrock',
  title: 'Amazon Bedrock',
  needs: 'AWS_REGION',
  variables: [
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_BEARER_TOKEN_BEDROCK',
    'BEDROCK_BASE_URL',
  ],
  isLocal: false,
  priceOf: cloudPriceOf,
  capabilities: { outputTokens: 32_000, windowTokens: 200_000, pictures: true },
  settings(env, problems) {
    const region = env['AWS_REGION']
    const service = `https://bedrock-runtime.${region || 'us-east-1'}.amazonaws.com`
    const baseUrl = address(env, 'BEDROCK_BASE_URL', service, problems)
    if (!region) return undefined
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session } = env
    const token = env['AWS_BEARER_TOKEN_BEDROCK']
    // Without any, the client looks for those of the machine.
    const own = id && secret ? { awsAccessKey: id, awsSecretKey: secret, awsSessionToken: session ?? null } : {}
    const options = { awsRegion: region, baseURL: baseUrl, apiKey: token ?? null, ...own }
    return cloudSetup(env, BEDROCK, options, [id, secret, session, token], ['BEDROCK_BASE_URL', baseUrl])
  },
}

/** Anthropic's models on Google's Vertex AI. */
export const vertex: ProviderModule = {
  name: 'vertex',
  title: 'Google Vertex AI',
  needs: 'VERTEX_PROJECT',
  variables: [
    'VERTEX_PROJECT',
    'VERTEX_REGION',
    'VERTEX_ACCESS_TOKEN',
    'VERTEX_BASE_URL',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ],
  isLocal: false,
  priceOf: cloudPriceOf,
  capabilities: { outputTokens: 32_000, windowTokens: 200_000, pictures: true },
  settings(env, problems) {
    const region = env['VERTEX_REGION'] || 'global'
    const baseUrl = address(env, 'VERTEX_BASE_URL', `https://${vertexHost(region)}/v1`, problems)
    const projectId = env['VERTEX_PROJECT']
    if (!projectId) return undefined
    const token = env['VERTEX_ACCESS_TOKEN']
    const options = {
      region,
      projectId,
      baseURL: baseUrl,
      authClient: { getRequestHeaders: () => googleHeaders(env, token) },
    }
    return cloudSetup(env, VERTEX, options, [token], ['VERTEX_BASE_URL', baseUrl])
  },
}

/** Google's documentation of locations; `us` and `eu` are served by several regions each. */
function vertexHost(region: string): string {
  if (region === 'global') return 'aiplatform.googleapis.com'
  return region === 'us' || region === 'eu'
    ? `aiplatform.${region}.rep.googleapis.com`
    : `${region}-aiplatform.googleapis.com`
}

/** What lets a request in: a token that the operator gave, or one by the machine's own credentials. @throws ModelError `key` where there are none */
async function googleHeaders(env: Env, token: string | undefined): Promise<Headers> {
  if (token) return new Headers({ authorization: `Bearer ${token}` })
  try {
    const { GoogleAuth } = onDemand(env, 'google-auth-library', '10')
    if (typeof GoogleAuth !== 'function') throw new Error('google-auth-library has no GoogleAuth')
    const auth = Reflect.construct(GoogleAuth, [{ scopes: 'https://www.googleapis.com/auth/cloud-platform' }]) as {
      getRequestHeaders(): Promise<Headers>
    }
    return await auth.getRequestHeaders()
  } catch (error) {
    throw new ModelError('key', "Google's credentials cannot be found", {
      cause: error,
      hint: `The operator should check ${VERTEX.look}, then \`retry\`.`,
    })
  }
}

/** Names there say where they are served, whose they are and which version: `eu.anthropic.claude-opus-5-5-v1:0`, `claude-opus-5-5@20261001`. */
function cloudPriceOf(model: string) {
  return priceOf(model.replace(/^(?:[a-z-]{2,10}\.)?anthropic\./, ''))
}

function cloudSetup(
  env: Env,
  cloud: Cloud,
  options: object,
  secrets: readonly (string | undefined)[],
  service: readonly [variable: string, url: string],
): ProviderSetup {
  const open = () => openCloud(env, cloud, options)
  return {
    secrets: secrets.flatMap((one) => (one ? [one] : [])),
    addresses: [service],
    open,
    look: () => look(env, cloud, open, service[1]),
  }
}

/** As far as its clients are used. */
interface Messages {
  create(body: object, options: object): Promise<unknown>
  stream(body: object, options: object): { finalMessage(): Promise<unknown> }
}

async function openCloud(env: Env, cloud: Cloud, options: object): Promise<ModelProvider> {
  const { clientOptions } = await import('../http.ts')
  const { providerOver } = await import('./client.ts')
  const { [cloud.client]: Client } = onDemand(env, cloud.packageName, cloud.version)
  if (typeof Client !== 'function') throw new ModelError('key', `${cloud.packageName} has no ${cloud.client}`)
  const { messages } = made(Client, { ...options, ...clientOptions() })
  return providerOver(
    (body, signal) =>
      cloud.streams ? messages.stream(body, { signal }).finalMessage() : messages.create(body, { signal }),
    cloud.look,
  )
}

/** The boundary of this seam: the package is not there when this is compiled. */
function made(Client: Function, options: object): { readonly messages: Messages } {
  return Reflect.construct(Client, [options]) as { readonly messages: Messages }
}

/** A question that costs nothing, for it names no model: whoever is let in is told so. */
async function look(env: Env, cloud: Cloud, open: () => Promise<ModelProvider>, url: string): Promise<ProviderHealth> {
  try {
    const provider = await open()
    await provider.complete({
      provider: 'anthropic',
      model: 'none',
      maxTokens: 1,
      system: '',
      tools: [],
      messages: [{ role: 'user', text: 'x' }],
      signal: AbortSignal.timeout(15_000),
      origin: { taskId: 'doctor', role: 'doctor', step: 'look', attempt: 1, turn: 1 },
    })
    return { state: 'ok', detail: 'it answers' }
  } catch (error) {
    const kind = error instanceof ModelError ? error.kind : undefined
    if (kind === 'request') return { state: 'ok', detail: 'the credentials are accepted' }
    if (kind === 'key' && error instanceof ModelError && /not installed/.test(error.message))
      return { state: 'problem', detail: error.message, fix: installing(env, cloud.packageName, cloud.version) }
    return kind === 'key'
      ? { state: 'problem', detail: 'the credentials are not accepted', fix: `Check ${cloud.look}.` }
      : { state: 'problem', detail: `${url} cannot be reached`, fix: `Check the network, and ${cloud.look}.` }
  }
}
