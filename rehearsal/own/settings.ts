import { defaultRepositorySettings, parseRepositorySettings } from '../../src/config/repository.ts'
import { git } from '../github/git.ts'

/** The settings that hold at a commit of a bare repository, or what is wrong with them; the defaults where there is no file. */
export async function settingsAt(bare: string, sha: string): Promise<ReturnType<typeof parseRepositorySettings>> {
  const text = await git(bare, ['show', `${sha}:.github/muster.yml`]).catch(() => undefined)
  return text === undefined ? { ok: true, settings: defaultRepositorySettings() } : parseRepositorySettings(text)
}
