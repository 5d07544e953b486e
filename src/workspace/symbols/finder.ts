import { join } from 'node:path'
import type { Ranked, Wanted } from '../../core/symbols.ts'
import { Recent } from '../../core/recent.ts'
import type { Repository } from '../../core/task/types.ts'
import type { BareCopies } from '../copies.ts'
import { contentsOf, entriesOf } from '../objects.ts'
import { languageOf } from './languages.ts'
import { Reader } from './reader.ts'

/** A file that is longer nobody wrote by hand, and of more files than these the first count. */
const MAX_FILE = 200_000
const MAX_FILES = 12_000
/** The files of so many commits are remembered. */
const LISTED = 8
const CHUNK = 25
const CHUNK_BYTES = 2_000_000
/** The threads of so many repositories may be there at once. */
const MOST_READERS = 3

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
  /** Each repository has a thread of its own: what is in one ends no other's, and holds it up no longer. */
  readonly #readers = new Recent<number, Reader>(MOST_READERS, (reader) => reader.end())
  readonly #listed = new Recent<string, Promise<readonly Source[]>>(LISTED)
  readonly #reading = new Map<number, Promise<void>>()

  constructor(dir: string, copies: BareCopies) {
    this.#dir = join(dir, 'symbols')
    this.#copies = copies
  }

  /**
   * The files of a commit that matter for a request. What is not known yet is read meanwhile, and goes on being read. It is a help, and
   * nobody fails for want of it.
   * @param wanted names of the request @param patienceMs how long is waited for it
   * @returns undefined where it takes longer, or cannot be had
   */
  of(repository: Repository, sha: string, wanted: Wanted, patienceMs: number): Promise<readonly Ranked[] | undefined> {
    const late = new Promise<undefined>((done) => setTimeout(() => done(undefined), patienceMs).unref())
    return Promise.race([this.#ranked(repository, sha, wanted).catch(() => undefined), late])
  }

  async #ranked(repository: Repository, sha: string, wanted: Wanted): Promise<readonly Ranked[] | undefined> {
    const file = join(this.#dir, `${repository.id}.ndjson`)
    const reader = this.#readers.get(repository.id, () => new Reader(file))
    const sources = await this.#sources(repository, sha)
    const missing = new Set(await reader.missing(sources.map(({ blob }) => blob)))
    if (missing.size > 0) {
      const fresh = sources.filter(({ blob }) => missing.delete(blob))
      const before = this.#reading.get(repository.id) ?? Promise.resolve()
      const reading = before.then(() => this.#read(repository, reader, fresh))
      this.#reading.set(
        repository.id,
        reading.catch(() => {}),
      )
      await reading
    }
    return reader.rank({ sha, files: sources.map(({ path, blob }) => ({ path, blob })), wanted })
  }

  #sources(repository: Repository, sha: string): Promise<readonly Source[]> {
    return this.#listed.get(`${repository.id} ${sha}`, () => this.#list(repository, sha))
  }

  async #list(repository: Repository, sha: string): Promise<readonly Source[]> {
    const all = (await entriesOf(this.#copies, repository, sha)).flatMap(({ path, object, size }): Source[] => {
      const language = size <= MAX_FILE ? languageOf(path) : undefined
      return language ? [{ path, blob: object, size, language }] : []
    })
    return all.slice(0, MAX_FILES)
  }

  async #read(repository: Repository, reader: Reader, sources: readonly Source[]): Promise<void> {
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
      await reader.read(texts)
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
