import { join } from 'node:path'
import type { Ranked, Wanted } from '../../core/symbols.ts'
import type { Repository } from '../../core/task/types.ts'
import type { BareCopies } from '../copies.ts'
import { contentsOf, entriesOf } from '../objects.ts'
import { languageOf } from './languages.ts'
import { Reader } from './reader.ts'

/** A file that is longer nobody wrote by hand, and of more files than these the first count. */
const MAX_FILE = 200_000
const MAX_FILES = 20_000
/** The files of so many commits are remembered. */
const LISTED = 8
const CHUNK = 100
const CHUNK_BYTES = 4_000_000

interface Source {
  readonly path: string
  readonly blob: string
  readonly size: number
  readonly language: string
}

/** What the files of commits define, read once for each content. */
export class SymbolFinder {
  readonly #dir: string
  readonly #copies: BareCopies
  readonly #reader = new Reader()
  readonly #listed = new Map<string, Promise<readonly Source[]>>()
  readonly #reading = new Map<number, Promise<void>>()

  constructor(dir: string, copies: BareCopies) {
    this.#dir = join(dir, 'symbols')
    this.#copies = copies
  }

  /**
   * The files of a commit that matter for a request. What is not known yet is read meanwhile, and goes on being read.
   * @param wanted names of the request @param patienceMs how long is waited for that
   * @returns undefined where it takes longer
   */
  async of(
    repository: Repository,
    sha: string,
    wanted: Wanted,
    patienceMs: number,
  ): Promise<readonly Ranked[] | undefined> {
    const file = join(this.#dir, `${repository.id}.ndjson`)
    const sources = await this.#sources(repository, sha)
    if (!(await this.#isRead(repository, file, sources, patienceMs))) return undefined
    return this.#reader.rank({ file, sha, files: sources.map(({ path, blob }) => ({ path, blob })), wanted })
  }

  #sources(repository: Repository, sha: string): Promise<readonly Source[]> {
    const key = `${repository.id} ${sha}`
    const known = this.#listed.get(key) ?? this.#list(repository, sha)
    known.catch(() => this.#listed.delete(key))
    this.#listed.delete(key)
    this.#listed.set(key, known)
    const [oldest] = this.#listed.keys()
    if (this.#listed.size > LISTED && oldest !== undefined) this.#listed.delete(oldest)
    return known
  }

  async #list(repository: Repository, sha: string): Promise<readonly Source[]> {
    const all = (await entriesOf(this.#copies, repository, sha)).flatMap(({ path, object, size }): Source[] => {
      const language = size <= MAX_FILE ? languageOf(path) : undefined
      return language ? [{ path, blob: object, size, language }] : []
    })
    return all.slice(0, MAX_FILES)
  }

  async #isRead(
    repository: Repository,
    file: string,
    sources: readonly Source[],
    patienceMs: number,
  ): Promise<boolean> {
    const missing = new Set(await this.#reader.missing({ file, blobs: sources.map(({ blob }) => blob) }))
    if (missing.size === 0) return true
    const wanted = sources.filter(({ blob }) => missing.delete(blob))
    const before = this.#reading.get(repository.id) ?? Promise.resolve()
    const reading = before.then(() => this.#read(repository, file, wanted))
    const settled = reading.catch(() => {})
    this.#reading.set(repository.id, settled)
    const late = new Promise<boolean>((done) => setTimeout(() => done(false), patienceMs).unref())
    return Promise.race([reading.then(() => true), late]).catch(() => false)
  }

  async #read(repository: Repository, file: string, sources: readonly Source[]): Promise<void> {
    for (const chunk of chunksOf(sources)) {
      const contents = await contentsOf(
        this.#copies,
        repository,
        chunk.map(({ blob }) => blob),
      )
      const texts = chunk.map(({ blob, language }, nth) => {
        const text = Buffer.from(contents[nth] ?? '', 'latin1').toString('utf8')
        return { blob, language, text }
      })
      await this.#reader.read({ file, texts })
    }
  }
}

function chunksOf(sources: readonly Source[]): readonly (readonly Source[])[] {
  const chunks: Source[][] = [[]]
  let bytes = 0
  for (const source of sources) {
    bytes += source.size
    if ((chunks.at(-1)?.length ?? 0) >= CHUNK || bytes > CHUNK_BYTES) {
      chunks.push([])
      bytes = source.size
    }
    chunks.at(-1)?.push(source)
  }
  return chunks
}
