import OpenAI from 'openai'
import { EnvHttpProxyAgent } from 'undici'
import type { ModelProvider } from '../types.ts'
import { askChat } from './chat.ts'
import { modelError } from './errors.ts'
import type { Service } from './module.ts'
import { askResponses } from './responses.ts'

/** How long an answer may take: slow and local models think long before the first byte. */
const TIMEOUT_MS = 30 * 60_000

/** A service that speaks OpenAI's interface. Retries are ours (the journal must know of them), so the SDK's own are off. */
export function openaiProvider(service: Service, timeoutMs: number = TIMEOUT_MS): ModelProvider {
  const client = new OpenAI({
    // The SDK wants one even where the service does not.
    apiKey: service.apiKey || 'none',
    baseURL: service.baseUrl,
    // What the machine's own environment says of OpenAI is not ours.
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: timeoutMs,
    fetchOptions: { dispatcher: new EnvHttpProxyAgent({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs }) },
  })
  const ask = service.by === 'responses' ? askResponses : askChat
  return {
    async complete(request) {
      try {
        return await ask(client, request, service)
      } catch (error) {
        request.signal.throwIfAborted()
        throw modelError(error, service)
      }
    },
  }
}
