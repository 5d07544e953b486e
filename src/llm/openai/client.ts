import OpenAI from 'openai'
import { clientOptions } from '../http.ts'
import type { ModelProvider } from '../types.ts'
import { askChat } from './chat.ts'
import { modelError } from './errors.ts'
import type { Service } from './module.ts'
import { askResponses } from './responses.ts'

/** A service that speaks OpenAI's interface. */
export function openaiProvider(service: Service, timeoutMs?: number): ModelProvider {
  const client = new OpenAI({
    // The SDK wants one even where the service does not.
    apiKey: service.apiKey || 'none',
    baseURL: service.baseUrl,
    // What the machine's own environment says of OpenAI is not ours.
    organization: null,
    project: null,
    ...clientOptions(timeoutMs),
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
