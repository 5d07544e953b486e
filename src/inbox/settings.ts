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

const KEEP_MS = 60_000

export function settingsSource(
  platform: Pick<Platform, 'settingsFile'>,
  parse: Parse,
  defaults: RepositorySettings,
  now: () => number,
): SettingsSource {
  const known = new Map<number, { at: number; text: string | undefined; loaded: Loaded }>()
  const noFile = { ok: true as const, settings: defaults }
  return {
    async load(repository, fresh) {
      const kept = known.get(repository.id)
      if (!fresh && kept && now() - kept.at < KEEP_MS) return kept.loaded
      const file = await platform.settingsFile(repository)
      // The same words mean the same.
      const loaded = kept && kept.text === file?.text ? kept.loaded : file ? read(file, parse) : noFile
      known.set(repository.id, { at: now(), text: file?.text, loaded })
      return loaded
    },
  }
}

function read(file: { text: string; where: string }, parse: Parse): Loaded {
  const parsed = parse(file.text)
  return parsed.ok ? parsed : { ok: false, where: file.where, text: file.text, problems: parsed.problems }
}
