import { copyFile, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { MAX_POINTER, type Pointer, pointerIn } from '../core/lfs.ts'
import { Recent } from '../core/recent.ts'
import { isPlainPath, submoduleOf } from '../core/submodules.ts'
import type { Repository } from '../core/task/types.ts'
import type { BareCopies } from './copies.ts'
import { download, missingIn } from './lfs.ts'
import { contentsOf, entriesOf } from './objects.ts'
import { roomIn } from './place.ts'
import type { Mount, Remotes } from './types.ts'

/** What belongs to a commit and is not in its repository's objects: large files (LFS), and other repositories inside it. */
export interface Extras {
  readonly files: readonly LargeFile[]
  readonly trees: readonly SubTree[]
  /** What is not there, in words. */
  readonly missing: readonly string[]
  /** What to know besides. */
  readonly notes: readonly string[]
  /** Where the host has the large files. */
  readonly dir: string
}

/** A large file, and where in the tree it is. */
export interface LargeFile extends Pointer {
  readonly path: string
}

/** Another repository at one of its commits, and where in the tree it is. */
export interface SubTree {
  readonly path: string
  readonly sha: string
  readonly repository: Repository
  /** The host's bare copy of it. */
  readonly from: string
}

const MB = 1024 * 1024
/** Of one commit, and of one file (the sandbox writes none that is larger); what is over it stays a pointer. */
const MAX_LFS_BYTES = 2048 * MB
const MAX_FILE_BYTES = 900 * MB
/** What has to be left on the disk. */
const ROOM_BYTES = 1024 * MB
/** What no clone wanted for so long is fetched again when one does. */
const UNUSED_MS = 14 * 24 * 3_600_000
const NO_HISTORY =
  'The repository has a long history, of which only the names of files are here: `git log` works, what needs old contents (`git log -p`, `git blame`) does not.'
const REMEMBERED = 200

export class ExtrasFinder {
  readonly #dir: string
  readonly #copies: BareCopies
  readonly #remotes: Remotes
  readonly #pointers = new Recent<string, Promise<readonly LargeFile[]>>(REMEMBERED)

  constructor(dir: string, copies: BareCopies, remotes: Remotes) {
    this.#dir = join(dir, 'lfs')
    this.#copies = copies
    this.#remotes = remotes
  }

  /** Fetches what a commit wants besides. @param submodules the paths of those that the repository's settings name @throws Unavailable */
  async of(
    repository: Repository,
    sha: string,
    submodules: readonly string[],
    signal: AbortSignal,
  ): Promise<Extras | undefined> {
    const large = await this.#large(repository, sha, signal)
    const sub = await this.#trees(repository, sha, submodules)
    const history = (await this.#copies.isPartial(repository)) ? [NO_HISTORY] : []
    const missing = [...large.missing, ...sub.missing]
    if (large.files.length + sub.trees.length + missing.length + history.length === 0) return undefined
    return { files: large.files, trees: sub.trees, missing, notes: history, dir: this.dirOf(repository) }
  }

  dirOf(repository: Repository): string {
    return join(this.#dir, String(repository.id))
  }

  async #large(repository: Repository, sha: string, signal: AbortSignal) {
    const all = await this.#pointersAt(repository, sha)
    if (all.length === 0) return { files: [], missing: [] }
    const dir = this.dirOf(repository)
    const wanted = fitting(all)
    const absent = await missingIn(dir, wanted)
    const why = await this.#fetch(repository, absent, dir, signal)
    const gone = new Set((await missingIn(dir, wanted)).map(({ oid }) => oid))
    const taken = new Set(wanted.filter(({ oid }) => !gone.has(oid)).map(({ oid }) => oid))
    await tidy(dir, taken)
    const files = all.filter(({ oid }) => taken.has(oid))
    const left = all.length - files.length
    const reason =
      why ?? `one has more than ${MAX_FILE_BYTES / MB} MB, or together they have more than ${MAX_LFS_BYTES / MB}`
    return { files, missing: left === 0 ? [] : [`${left} large files (LFS) are not there: ${reason}.`] }
  }

  /** @returns why, in words, where some are not to be had */
  async #fetch(
    repository: Repository,
    files: readonly Pointer[],
    dir: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (files.length === 0) return undefined
    await mkdir(dir, { recursive: true })
    const folder = this.#remotes.largeFiles?.(repository)
    if (folder !== undefined) return fromFolder(folder, files, dir)
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    if ((await roomIn(dir)) < bytes + ROOM_BYTES)
      return `there is no room for ${Math.ceil(bytes / MB)} MB more on Muster's disk`
    return download(await this.#remotes.remote(repository, 'read'), files, dir, signal)
  }

  #pointersAt(repository: Repository, sha: string): Promise<readonly LargeFile[]> {
    const key = `${repository.id} ${sha}`
    return this.#pointers.get(key, () => pointersIn(this.#copies, repository, sha))
  }

  async #trees(repository: Repository, sha: string, paths: readonly string[]) {
    const trees: SubTree[] = []
    const missing: string[] = []
    for (const path of paths) {
      const found = await this.#tree(repository, sha, path).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error
        return error.message
      })
      if (typeof found === 'string') missing.push(`The submodule ${path} is not there: ${found}`)
      else if (found) trees.push(found)
    }
    return { trees, missing }
  }

  /** @returns undefined where the commit has none there; why not, in words, where it cannot be had */
  async #tree(repository: Repository, sha: string, path: string): Promise<SubTree | string | undefined> {
    if (!isPlainPath(path)) return 'that is no path.'
    const link = await this.#copies.must(repository, ['ls-tree', '-z', '--end-of-options', sha, `:(literal)${path}`])
    const [, at] = /^160000 commit ([0-9a-f]{40,64})\t/.exec(link) ?? []
    if (at === undefined) return undefined
    const url = await this.#addressOf(repository, sha, path)
    const { url: own } = await this.#remotes.remote(repository, 'read')
    const named = url === undefined ? undefined : submoduleOf(url, { ...repository, server: own })
    if (!named) return '`.gitmodules` names no repository of the same server for it.'
    const other = await this.#remotes.named?.(named.owner, named.name)
    if (!other) return `${named.owner}/${named.name} may not be read here.`
    await this.#copies.has(other, at)
    return { path, sha: at, repository: other, from: this.#copies.pathOf(other) }
  }

  /** What `.gitmodules` says of a path, read as data: nothing of it is run. */
  async #addressOf(repository: Repository, sha: string, path: string): Promise<string | undefined> {
    const args = ['config', '--blob', `${sha}:.gitmodules`, '-z', '--get-regexp', '^submodule\\..*\\.(path|url)$']
    const { exitCode, output } = await this.#copies.git(repository, args)
    if (exitCode !== 0) return undefined
    const entries = output.split('\0').map((one) => {
      const [key = '', value = ''] = one.split('\n', 2)
      return { key, value }
    })
    const { key: at } = entries.find(({ key, value }) => key.endsWith('.path') && value === path) ?? {}
    return at && entries.find(({ key }) => key === `${at.slice(0, -'.path'.length)}.url`)?.value
  }
}

/** As many as there is room for, each content once, the small ones first. */
function fitting(files: readonly Pointer[]): readonly Pointer[] {
  const each = [...new Map(files.map((file) => [file.oid, file])).values()]
  let bytes = 0
  return each
    .toSorted((one, other) => one.size - other.size)
    .filter(({ size }) => size <= MAX_FILE_BYTES && (bytes += size) <= MAX_LFS_BYTES)
}

/** Of the folder in which LFS keeps them on this machine. */
async function fromFolder(folder: string, files: readonly Pointer[], dir: string): Promise<string> {
  for (const { oid } of files)
    await copyFile(join(folder, oid.slice(0, 2), oid.slice(2, 4), oid), join(dir, oid)).catch(() => {})
  return '`git lfs fetch` brings them'
}

/** Marks what was used now, and removes what was not for long. */
async function tidy(dir: string, used: ReadonlySet<string>): Promise<void> {
  const now = new Date()
  for (const oid of used) await utimes(join(dir, oid), now, now).catch(() => {})
  for (const name of await readdir(dir).catch(() => [])) {
    if (used.has(name)) continue
    const file = join(dir, name)
    const found = await stat(file).catch(() => undefined)
    if (found && now.getTime() - found.mtimeMs > UNUSED_MS) await rm(file, { force: true })
  }
}

/** Where pointers stand in a commit. Only where it says that files are filtered by LFS is looked. */
async function pointersIn(copies: BareCopies, repository: Repository, sha: string): Promise<readonly LargeFile[]> {
  const says = ['grep', '-l', '-F', '-e', 'filter=lfs', sha, '--', ':(glob)**/.gitattributes']
  if ((await copies.git(repository, says)).exitCode !== 0) return []
  const all = await entriesOf(copies, repository, sha)
  const small = all.filter(({ path, size }) => size < MAX_POINTER && isPlainPath(path))
  const texts = await contentsOf(
    copies,
    repository,
    small.map(({ object }) => object),
  )
  return small.flatMap(({ path }, nth) => {
    const pointer = pointerIn(texts[nth] ?? '')
    return pointer ? [{ ...pointer, path }] : []
  })
}

/** How a clone finds what it is filled with: where each is, a variable says. */
export function mountsOf({ dir, files, trees }: Extras): { readonly mounts: readonly Mount[]; readonly told: string } {
  const at = (nth: number) => `MUSTER_SUBMODULE_${nth}`
  return {
    mounts: [
      ...(files.length > 0 ? [{ from: dir, to: '/lfs', variable: 'MUSTER_LFS' }] : []),
      ...trees.map(({ from }, nth) => ({ from, to: `/submodules/${nth}.git`, variable: at(nth) })),
    ],
    told: JSON.stringify({
      files: files.map(({ path, oid }) => ({ path, oid })),
      trees: trees.map(({ path, sha }, nth) => ({ path, sha, git: at(nth) })),
    }),
  }
}
