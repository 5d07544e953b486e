import { anthropicProvider } from './anthropic.ts'
import { readStory, recordingProvider, scriptedProvider } from './story.ts'
import { ModelError, type ModelProvider } from './types.ts'

export interface ProviderOptions {
  readonly scriptFile: string | undefined
  readonly recordFile: string | undefined
  readonly anthropic: { readonly apiKey: string; readonly baseUrl: string | undefined } | undefined
}

/** The provider that the settings ask for; without a key, one that says so when it is first asked. */
export function openProvider({ scriptFile, recordFile, anthropic }: ProviderOptions): ModelProvider {
  if (scriptFile) return scriptedProvider(readStory(scriptFile))
  const provider = anthropic ? anthropicProvider(anthropic) : noProvider()
  return recordFile ? recordingProvider(provider, recordFile, recordFile.replace(/^.*\/|\.json$/g, '')) : provider
}

function noProvider(): ModelProvider {
  return {
    complete: () => Promise.reject(new ModelError('key', 'no model is set up: ANTHROPIC_API_KEY is not set')),
  }
}
