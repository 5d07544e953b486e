import type { Problem } from '../config/repository.ts'
import type { RepositorySettings } from '../core/settings.ts'
import type { Repository } from '../core/task/types.ts'
import type { Platform } from '../channels/types.ts'

export type Loaded =
  | { readonly ok: true; readonly settings: RepositorySettings }
  | { readonly ok: false; readonly where: string; readonly text: string; readonly problems: readonly Problem[] }

export type Parse = (
  text: string,
) => { ok: true; settings: RepositorySettings } | { ok: false; problems: readonly Problem[] }

/** A repository's settings, remembered for a short while so that ordinary comments cost no request. */
export interface SettingsSource {
  /** @param fresh asks the platform now, for whatever starts, approves or deploys */
  load(repository: Repository, fresh: boolean): Promise<Loaded>
}

type SettingsFile = NonNullable<Awaited<ReturnType<Platform['settingsFile']>>>

const KEEP_MS = 60_000

export function settingsSource(
  platform: Pick<Platform, 'settingsFile'>,
  parse: Parse,
  defaults: RepositorySettings,
  now: () => number,
): SettingsSource {
  const known = new Map<number, { at: number; file: SettingsFile | undefined; loaded: Loaded }>()
  return {
    async load(repository, fresh) {
      const kept = known.get(repository.id)
      if (!fresh && kept && now() - kept.at < KEEP_MS) return kept.loaded
      const file = await platform.settingsFile(repository)
      // The same words in the same place mean the same.
      const isSame = kept?.file?.text === file?.text && kept?.file?.where === file?.where
      const loaded = kept && isSame ? kept.loaded : read(file, parse, defaults)
      known.set(repository.id, { at: now(), file, loaded })
      return loaded
    },
  }
}

function read(file: SettingsFile | undefined, parse: Parse, defaults: RepositorySettings): Loaded {
  if (!file) return { ok: true, settings: defaults }
  const parsed = parse(file.text)
  return parsed.ok ? parsed : { ok: false, where: file.where, text: file.text, problems: parsed.problems }
}
