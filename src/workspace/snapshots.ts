import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { roomIn } from './place.ts'
import { removeTree } from './spawn.ts'

/** So many are kept of one repository: of several branches' lock files the last ones. */
const MOST = 6
/** What nobody has begun with for so long is removed. */
const UNUSED_MS = 14 * 24 * 3_600_000
/** With less room than this nothing more is kept. */
const ROOM_BYTES = 3 * 1024 ** 3

/**
 * What set-ups left in clones, on this machine: a folder each, by repository and key. They are never written to again, and a clone
 * gets a copy.
 */
export class Snapshots {
  readonly #dir: string
  /** Who is making one: others wait for it rather than do the same beside it. */
  readonly #making = new Map<string, Promise<void>>()

  constructor(dir: string) {
    this.#dir = dir
  }

  /** A snapshot's folder, or undefined where there is none and the caller is to make it: `done` has to be called then. */
  async claim(
    repositoryId: number,
    key: string,
    signal: AbortSignal,
  ): Promise<{ readonly found: string } | { readonly done: () => void }> {
    const dir = this.#folder(repositoryId, key)
    for (;;) {
      const found = await this.find(repositoryId, key)
      if (found !== undefined) return { found }
      const other = this.#making.get(dir)
      if (!other) break
      await abortable(other, signal)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#making.set(dir, promise)
    return {
      done: () => {
        if (this.#making.get(dir) === promise) this.#making.delete(dir)
        resolve()
      },
    }
  }

  /** A snapshot's folder, which is used now; undefined where there is none. */
  async find(repositoryId: number, key: string): Promise<string | undefined> {
    const dir = this.#folder(repositoryId, key)
    if (!existsSync(dir)) return undefined
    // A race with whoever removes it is lost without harm: then it is made anew.
    await utimes(dir, new Date(), new Date()).catch(() => {})
    return dir
  }

  /** Makes one. @param write fills a folder, and says whether it is complete @returns whether it is there now */
  async keep(repositoryId: number, key: string, write: (dir: string) => Promise<boolean>): Promise<boolean> {
    if ((await this.find(repositoryId, key)) !== undefined) return true
    const all = join(this.#dir, String(repositoryId))
    await mkdir(all, { recursive: true, mode: 0o711 })
    if ((await roomIn(all)) < ROOM_BYTES) return false
    const unfinished = join(all, `unfinished-${randomUUID()}`)
    await mkdir(unfinished)
    try {
      if (!(await write(unfinished))) return false
      await rename(unfinished, this.#folder(repositoryId, key))
      await this.#tidy(all)
      return true
    } catch (error) {
      // Another process was faster.
      if (existsSync(this.#folder(repositoryId, key))) return true
      throw error
    } finally {
      await removeTree(unfinished)
    }
  }

  /** Removes one. */
  drop(repositoryId: number, key: string): Promise<void> {
    return removeTree(this.#folder(repositoryId, key))
  }

  #folder(repositoryId: number, key: string): string {
    return join(this.#dir, String(repositoryId), key)
  }

  /** Removes what is one too many of a repository, and of all what nobody has used for long or was never finished. */
  async #tidy(own: string): Promise<void> {
    const now = Date.now()
    for (const repository of await readdir(this.#dir)) {
      const all = join(this.#dir, repository)
      const newest = await agesIn(all)
      const finished = newest.filter(({ name }) => !name.startsWith('unfinished-'))
      const tooMany = all === own ? finished.slice(MOST) : []
      const tooOld = newest.filter(({ at }) => now - at > UNUSED_MS)
      for (const { name } of new Set([...tooMany, ...tooOld])) await removeTree(join(all, name))
    }
  }
}

/** What is in a folder, the newest first. What another process removes meanwhile is not. */
async function agesIn(folder: string): Promise<{ readonly name: string; readonly at: number }[]> {
  const names = await readdir(folder).catch(() => [])
  const ages = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined)
      return found === undefined ? [] : [{ name, at: found.mtimeMs }]
    }),
  )
  return ages.flat().toSorted((a, b) => b.at - a.at)
}

async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
