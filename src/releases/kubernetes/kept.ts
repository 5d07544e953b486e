import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { releaseFolder } from '../local/log.ts'

/** What was applied of releases, kept as it was: going back applies it once more. */
export class Kept {
  readonly #dir: string

  /** @param dir the data folder */
  constructor(dir: string) {
    this.#dir = dir
  }

  has(id: string): boolean {
    return existsSync(this.#file(id))
  }

  /** Undefined where it is not kept. */
  async read(id: string): Promise<string | undefined> {
    return this.has(id) ? readFile(this.#file(id), 'utf8') : undefined
  }

  /** All of it or nothing, whoever ends in the middle. */
  async write(id: string, text: string): Promise<void> {
    const file = this.#file(id)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(`${file}.part`, text, { mode: 0o600 })
    await rename(`${file}.part`, file)
  }

  async drop(id: string): Promise<void> {
    await rm(this.#file(id), { force: true })
  }

  /** The revision that was there before a release was applied, as it was noted first; empty where there was none. */
  async before(id: string, now: string): Promise<string> {
    const file = join(releaseFolder(this.#dir, id), 'before')
    const known = await readFile(file, 'utf8').catch(() => undefined)
    if (known !== undefined) return known
    await writeFile(file, now, { mode: 0o600 })
    return now
  }

  /** With its log. */
  async forget(id: string): Promise<void> {
    await rm(releaseFolder(this.#dir, id), { recursive: true, force: true })
  }

  #file(id: string): string {
    return join(releaseFolder(this.#dir, id), 'manifests.yaml')
  }
}
