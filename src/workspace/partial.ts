import { Recent } from '../core/recent.ts'
import type { Repository } from '../core/task/types.ts'
import type { BareCopies } from './copies.ts'

/**
 * Copies of very large repositories (git's partial clones): commits and trees are all there, contents of files where a commit was needed.
 * What is missing is fetched by the host before anybody works with a commit: in the sandbox there is no network.
 */

/** What git calls the server that promised the rest. */
export const PROMISOR = 'origin'
/** So many contents are asked for at once. */
const CHUNK = 20_000
const REMEMBERED = 500

export class PartialCopies {
  readonly #copies: BareCopies
  readonly #known = new Map<number, boolean>()
  /** The commits of which everything is here. */
  readonly #whole = new Recent<string, Promise<void>>(REMEMBERED)

  constructor(copies: BareCopies) {
    this.#copies = copies
  }

  async is(repository: Repository): Promise<boolean> {
    const known = this.#known.get(repository.id)
    if (known !== undefined) return known
    const { exitCode } = await this.#copies.git(repository, ['config', '--get', 'extensions.partialClone'])
    this.#known.set(repository.id, exitCode === 0)
    return exitCode === 0
  }

  /** Before anything is fetched. */
  async begin(repository: Repository): Promise<void> {
    const set = (name: string, value: string) => this.#copies.must(repository, ['config', name, value])
    await set('core.repositoryFormatVersion', '1')
    await set('extensions.partialClone', PROMISOR)
    await set(`remote.${PROMISOR}.promisor`, 'true')
    await set(`remote.${PROMISOR}.partialCloneFilter`, 'blob:none')
    this.#known.set(repository.id, true)
  }

  /** It may have moved. */
  async readFrom(repository: Repository, url: string): Promise<void> {
    await this.#copies.must(repository, ['config', `remote.${PROMISOR}.url`, url])
  }

  /** Makes sure that all that a commit has is here. @throws UserError, Unavailable */
  async bringWhole(repository: Repository, sha: string): Promise<void> {
    if (!(await this.is(repository))) return
    await this.#whole.get(`${repository.id} ${sha}`, () =>
      this.#copies.inTurn(repository, async () => {
        const missing = await this.#missing(repository, sha)
        for (let from = 0; from < missing.length; from += CHUNK)
          await this.#bring(repository, missing.slice(from, from + CHUNK))
      }),
    )
  }

  async #missing(repository: Repository, sha: string): Promise<readonly string[]> {
    const args = ['rev-list', '--objects', '--no-walk', '--missing=print', '--end-of-options', sha]
    const listed = await this.#copies.must(repository, args, { maxOutput: 200_000_000 })
    return listed.split('\n').flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : []))
  }

  /** As git itself fetches what was promised. */
  async #bring(repository: Repository, objects: readonly string[]): Promise<void> {
    const { env } = await this.#copies.withRemote(repository, 'read')
    const args = ['-c', 'fetch.negotiationAlgorithm=noop', 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head']
    const rest = ['--recurse-submodules=no', '--filter=blob:none', '--stdin', PROMISOR]
    const stdin = objects.map((object) => `${object}\n`).join('')
    const { exitCode, output } = await this.#copies.git(repository, [...args, ...rest], { env, stdin })
    if (exitCode !== 0) throw await this.#copies.failed(repository, output)
  }
}
