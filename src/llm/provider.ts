import { once } from '../core/once.ts'
import { withBreaker } from './breaker.ts'
import { PROVIDERS, type ProviderSettings } from './registry.ts'
import { readStory, recordingProvider, scriptedProvider } from './story.ts'
import { ModelError, type ModelProvider, type ProviderName } from './types.ts'

export interface ProviderOptions {
  readonly scriptFile: string | undefined
  readonly recordFile: string | undefined
  readonly providers: ProviderSettings
  readonly now: () => number
  /** Told when a provider is left alone for a while, and when it works again. */
  readonly onBreak: (provider: string, open: boolean) => void
}

/** Whoever a request names answers it; where nobody is set up by that name, that is said when it is first asked. */
export function openProvider(options: ProviderOptions): ModelProvider {
  const { scriptFile, recordFile } = options
  if (scriptFile) return scriptedProvider(readStory(scriptFile))
  const provider = byName(options)
  return recordFile ? recordingProvider(provider, recordFile, recordFile.replace(/^.*\/|\.json$/g, '')) : provider
}

/** Each with a breaker of its own: one that is down keeps nobody from the others. */
function byName({ providers, now, onBreak }: ProviderOptions): ModelProvider {
  const opened = new Map(
    [...providers].map(([name, setup]) => [
      name,
      once(async () => withBreaker(await setup.open(), { now, onChange: (open) => onBreak(name, open) })),
    ]),
  )
  return {
    async complete(request) {
      const open = opened.get(request.provider)
      if (!open) throw notSetUp(request.provider)
      return (await open()).complete(request)
    },
  }
}

function notSetUp(name: ProviderName): ModelError {
  const needs = PROVIDERS.get(name)?.needs ?? `the plug-in of ${name}`
  return new ModelError('key', `no model is set up: ${needs} is not set`, {
    hint: `The operator should set \`${needs}\`, then \`retry\`.`,
  })
}
