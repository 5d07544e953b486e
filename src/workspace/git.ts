import { randomUUID } from 'node:crypto'
import { chmod, copyFile, mkdir, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { diskFull, Unavailable, UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import type { Wanted } from '../core/symbols.ts'
import type { OpenBranch } from '../core/elsewhere.ts'
import { openBranches } from './branches.ts'
import { type Beginning, makeCheckout } from './checkout.ts'
import { BareCopies, GIT_TIMEOUT_MS, SAFE_ENV } from './copies.ts'
import { ExtrasFinder } from './extras.ts'
import { storeLarge } from './large.ts'
import { roomIn } from './place.ts'
import { Snapshots } from './snapshots.ts'
import { run } from './spawn.ts'
import { SymbolFinder } from './symbols/finder.ts'
import type { Checkout, CheckoutOptions, CommitInput, Git, Remotes, Sandbox, TreeFile } from './types.ts'

const MOST_BRANCHES = 50

/** Where clones are made, and where is kept what set-ups left in them. */
export interface Folders {
  readonly checkouts: string
  readonly kept: string
}

/** Git on the host's side, over bare copies in `dir`. */
export function hostGit(dir: string, remotes: Remotes, sandbox: Sandbox, folders: Partial<Folders> = {}): Git {
  const own = { checkouts: join(dir, 'work'), kept: join(dir, 'kept') }
  const copies = new BareCopies(dir, remotes)
  return new HostGit(dir, copies, new ExtrasFinder(dir, copies, remotes), sandbox, { ...own, ...folders })
}

/** A clone with its dependencies is seldom larger; with less than this it is not begun. */
const ROOM_BYTES = 300 * 1024 * 1024

/** @throws UserError before a disk is filled up, rather than in the middle of it */
async function mustHaveRoom(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const room = await roomIn(dir)
  if (room < ROOM_BYTES) throw diskFull(new Error(`${Math.round(room / 1e6)} MB left in ${dir}`))
}

/** What is staged in an index of its own. */
interface Index {
  /** @returns false where it does not fit, and nothing of it is staged */
  apply(diff: string): Promise<boolean>
  commit(message: string, author: CommitInput['author'], at: number): Promise<string>
  /** Large files in it are stored by LFS, where the repository keeps them so. @throws UserError */
  storeLarge(): Promise<void>
}

/** A place in a folder that holds a tree: whatever links there are in it, nothing outside is written. @returns undefined where it was left out of the release @throws UserError */
async function insideOf(dir: string, path: string): Promise<string | undefined> {
  const target = join(await realpath(dir), path)
  const real = await realpath(target).catch(() => undefined)
  if (real === undefined || real === target) return real
  throw new UserError('archive_failed', `\`${path}\` leads elsewhere.`)
}

class HostGit implements Git {
  readonly #dir: string
  readonly #copies: BareCopies
  readonly #sandbox: Sandbox

  readonly #checkouts: string
  readonly #snapshots: Snapshots
  readonly #extras: ExtrasFinder
  readonly #symbols: SymbolFinder

  constructor(dir: string, copies: BareCopies, extras: ExtrasFinder, sandbox: Sandbox, { checkouts, kept }: Folders) {
    this.#extras = extras
    this.#symbols = new SymbolFinder(dir, copies)
    this.#checkouts = checkouts
    this.#snapshots = new Snapshots(kept)
    this.#dir = dir
    this.#copies = copies
    this.#sandbox = sandbox
  }

  resolve(repository: Repository, ref: string): Promise<string> {
    return this.#copies.resolve(repository, ref)
  }

  async checkout(
    repository: Repository,
    sha: string,
    signal: AbortSignal,
    { snapshot, built, outfit, submodules = [], against = [] }: CheckoutOptions = {},
  ): Promise<Checkout> {
    await mustHaveRoom(this.#checkouts)
    await this.#copies.has(repository, sha)
    for (const one of against) await this.#copies.completeIfHere(repository, one)
    return makeCheckout({
      dir: join(this.#checkouts, randomUUID()),
      base: this.#copies.pathOf(repository),
      sha,
      sandbox: this.#sandbox,
      signal,
      outfit,
      extras: (commit) => this.#extras.of(repository, commit, submodules, signal),
      beginning: await this.#beginning(repository.id, { snapshot, built }, signal),
    })
  }

  /** What is built counts first, then what a set-up left; where there is neither, this clone is the one to leave it. */
  async #beginning(
    id: number,
    { snapshot, built }: Pick<CheckoutOptions, 'snapshot' | 'built'>,
    signal: AbortSignal,
  ): Promise<Beginning | undefined> {
    const keys = { setup: snapshot, built }
    const keep: Beginning['keep'] = async (write, what) => {
      const key = keys[what]
      return key === undefined ? false : this.#snapshots.keep(id, key, write)
    }
    const found = (key: string, from: string): Beginning => ({
      from,
      spoiled: () => this.#snapshots.drop(id, key),
      keep,
      done: () => {},
    })
    const ready = built === undefined ? undefined : await this.#snapshots.find(id, built)
    if (built !== undefined && ready !== undefined) return found(built, ready)
    const nothing = { from: undefined, spoiled: async () => {}, keep }
    if (snapshot === undefined) return built === undefined ? undefined : { ...nothing, done: () => {} }
    const claimed = await this.#snapshots.claim(id, snapshot, signal)
    return 'found' in claimed ? found(snapshot, claimed.found) : { ...nothing, done: claimed.done }
  }

  async commitAndPush(input: CommitInput): Promise<{ sha: string }> {
    await this.#copies.has(input.repository, input.parentSha)
    return this.#copies.inTurn(input.repository, async () => {
      const sha = await this.#commit(input)
      return { sha: await this.#push(input, sha) }
    })
  }

  /** Patch → index → tree → commit, in the bare copy, with an index of its own. */
  async #commit({ repository, parentSha, diff, message, author, at }: CommitInput): Promise<string> {
    return this.#withIndex(repository, parentSha, async (index) => {
      if (!(await index.apply(diff))) throw new Error(`the patch does not apply to ${parentSha}`)
      await index.storeLarge()
      return index.commit(message, author, at)
    })
  }

  async joined(repository: Repository, parentSha: string, diffs: readonly string[]) {
    await this.#copies.has(repository, parentSha)
    return this.#withIndex(repository, parentSha, async (index) => {
      const left: number[] = []
      for (const [nth, diff] of diffs.entries()) if (diff !== '' && !(await index.apply(diff))) left.push(nth)
      const sha = await index.commit('Parts of a change', { name: 'muster', email: 'muster@localhost' }, 0)
      // One after the other they are one patch.
      const diff = diffs.filter((_, nth) => !left.includes(nth)).join('')
      return { diff, files: await this.changedFiles(repository, parentSha, sha), left, sha }
    })
  }

  /** Uses an index of its own that begins as a commit. */
  async #withIndex<T>(repository: Repository, parentSha: string, use: (index: Index) => Promise<T>): Promise<T> {
    const file = join(this.#dir, 'repos', `${randomUUID()}.index`)
    const env = { GIT_INDEX_FILE: file }
    const must = (
      args: readonly string[],
      options: { env?: Record<string, string>; stdin?: string; isBinary?: boolean; maxOutput?: number } = {},
    ) => this.#copies.must(repository, args, { ...options, env: { ...env, ...options.env } })
    try {
      await must(['read-tree', parentSha])
      return await use({
        apply: async (diff) => {
          const args = ['apply', '--cached', '--binary', '--whitespace=nowarn', '-']
          const { exitCode } = await this.#copies.git(repository, args, { env, stdin: Buffer.from(diff, 'latin1') })
          return exitCode === 0
        },
        storeLarge: () => {
          const remote = () => this.#copies.remote(repository, 'write')
          return storeLarge(
            must,
            parentSha,
            remote,
            this.#extras.dirOf(repository),
            AbortSignal.timeout(GIT_TIMEOUT_MS),
          )
        },
        commit: async (message, { name, email }, at) => {
          const date = `@${Math.floor(at / 1000)} +0000`
          const who = {
            GIT_AUTHOR_NAME: name,
            GIT_AUTHOR_EMAIL: email,
            GIT_AUTHOR_DATE: date,
            GIT_COMMITTER_NAME: name,
            GIT_COMMITTER_EMAIL: email,
            GIT_COMMITTER_DATE: date,
          }
          const tree = await must(['write-tree'])
          return must(['commit-tree', tree, '-p', parentSha, '-F', '-'], { env: who, stdin: message })
        },
      })
    } finally {
      await rm(file, { force: true })
    }
  }

  /** Never forced: a branch that moved on in the meantime is somebody else's work. @returns the commit that is there now */
  async #push({ repository, branch, parentSha, author }: CommitInput, sha: string): Promise<string> {
    const { url, env } = await this.#copies.withRemote(repository, 'write')
    const args = ['push', '--quiet', '--no-verify', '--', url, `${sha}:refs/heads/${branch}`]
    const { exitCode, output } = await this.#copies.git(repository, args, { env })
    if (exitCode === 0) return sha
    if (/non-fast-forward|fetch first|rejected/.test(output)) {
      const there = await this.#earlier(repository, branch, { sha, parentSha, email: author.email })
      if (there) return there
      throw new UserError('branch_moved', `The branch \`${branch}\` has commits that Muster does not know.`, {
        hint: 'Merge or remove them, then retry.',
        cause: new Error(output),
      })
    }
    const error = await this.#copies.failed(repository, output)
    // Whether a push that was cut off arrived is not known; pushed again, it is the same commit.
    throw error instanceof Unavailable ? error : new Error(`git push failed: ${output.slice(-2000)}`)
  }

  /** The same change, pushed by an earlier try with a message that was written a little differently then. */
  async #earlier(
    repository: Repository,
    branch: string,
    { sha, parentSha, email }: { readonly sha: string; readonly parentSha: string; readonly email: string },
  ): Promise<string | undefined> {
    await this.#copies.fetch(repository)
    const format = '--format=%T %P %ae'
    const at = async (name: string) => (await this.#copies.must(repository, ['log', '-1', format, name])).trim()
    const there = await this.#copies.must(repository, ['rev-parse', '--verify', `refs/heads/${branch}^{commit}`])
    const tree = await this.#copies.must(repository, ['rev-parse', `${sha}^{tree}`])
    return (await at(there)) === `${tree} ${parentSha} ${email}` ? there : undefined
  }

  async archive(repository: Repository, sha: string, to: string, submodules: readonly string[] = []): Promise<void> {
    await this.#copies.has(repository, sha)
    const extras = await this.#extras.of(repository, sha, submodules, AbortSignal.timeout(GIT_TIMEOUT_MS))
    await this.#unpack(repository, sha, to)
    if (!extras) return
    if (extras.missing.length > 0)
      throw new UserError('archive_failed', `The release would not be whole. ${extras.missing.join(' ')}`)
    for (const tree of extras.trees) {
      const folder = await insideOf(to, tree.path)
      if (folder !== undefined) await this.#unpack(tree.repository, tree.sha, folder)
    }
    for (const { path, oid } of extras.files) {
      const file = await insideOf(to, path)
      if (file === undefined) continue
      const { mode } = await stat(file)
      await copyFile(join(extras.dir, oid), file)
      await chmod(file, mode)
    }
  }

  async #unpack(repository: Repository, sha: string, to: string): Promise<void> {
    await this.#copies.has(repository, sha)
    await mkdir(to, { recursive: true })
    const tar = `${to}.tar`
    await this.#copies.must(repository, ['archive', '--format=tar', '-o', tar, sha])
    const { exitCode, output } = await run('tar', ['-xf', tar, '-C', to, '--no-same-owner'], {
      env: { PATH: SAFE_ENV.PATH },
      timeoutMs: GIT_TIMEOUT_MS,
    })
    await rm(tar, { force: true })
    if (exitCode !== 0)
      throw new UserError('archive_failed', 'The files of the release could not be unpacked.', {
        cause: new Error(output),
      })
  }

  async show(repository: Repository, sha: string, path: string): Promise<string | undefined> {
    await this.#copies.has(repository, sha)
    const { exitCode, output } = await this.#copies.git(repository, ['cat-file', 'blob', `${sha}:${path}`], {
      maxOutput: 400_000,
    })
    return exitCode === 0 ? output : undefined
  }

  async files(repository: Repository, sha: string): Promise<readonly TreeFile[]> {
    await this.#copies.has(repository, sha)
    const listed = await this.#copies.must(repository, ['ls-tree', '-r', '-z', '--end-of-options', sha])
    return listed
      .split('\0')
      .filter(Boolean)
      .map((line) => {
        const [head = '', path = ''] = line.split('\t', 2)
        return { path, object: head.split(' ')[2] ?? '' }
      })
  }

  async symbols(repository: Repository, sha: string, wanted: Wanted, patienceMs: number) {
    await this.#copies.has(repository, sha)
    return this.#symbols.of(repository, sha, wanted, patienceMs)
  }

  async openBranches(repository: Repository, into: string): Promise<readonly OpenBranch[]> {
    await this.#copies.has(repository, into)
    return openBranches((args) => this.#copies.must(repository, args), into)
  }

  async branchesWith(repository: Repository, sha: string): Promise<readonly string[]> {
    // As they are there now: one may have been deleted, or begin elsewhere.
    await this.#copies.inTurn(repository, () => this.#copies.fetch(repository))
    const args = [
      'for-each-ref',
      `--count=${MOST_BRANCHES}`,
      `--contains=${sha}`,
      '--format=%(refname:lstrip=2)',
      'refs/heads',
    ]
    return (await this.#copies.must(repository, args)).split('\n').filter(Boolean)
  }

  async changedFiles(repository: Repository, from: string, to: string): Promise<string[]> {
    await this.#copies.has(repository, to)
    const args = ['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', from, to]
    return (await this.#copies.must(repository, args)).split('\0').filter(Boolean)
  }

  async mergeBase(repository: Repository, one: string, other: string): Promise<string> {
    await this.#copies.has(repository, one)
    const base = await this.#copies.must(repository, ['merge-base', one, other])
    // Whoever asks compares with it.
    await this.#copies.completeIfHere(repository, base)
    return base
  }

  async treeOf(repository: Repository, sha: string): Promise<string> {
    await this.#copies.has(repository, sha)
    return this.#copies.must(repository, ['rev-parse', `${sha}^{tree}`])
  }

  async mends(repository: Repository, bad: string, upTo: string): Promise<boolean> {
    if (!/^[\da-f]{40,64}$/.test(bad)) return false
    await this.#copies.has(repository, upTo)
    const says = [`^This reverts commit ${bad}`, `^Fixes: ${bad.slice(0, 7)}`].flatMap((words) => ['--grep', words])
    const options = ['--max-count=1', '--format=%H', '--extended-regexp', ...says]
    return (await this.#copies.must(repository, ['log', ...options, '--end-of-options', `${bad}..${upTo}`])) !== ''
  }

  async isAncestor(repository: Repository, ancestor: string, of: string): Promise<boolean> {
    await this.#copies.has(repository, ancestor)
    return (await this.#copies.git(repository, ['merge-base', '--is-ancestor', ancestor, of])).exitCode === 0
  }

  log(repository: Repository, from: string | undefined, to: string, limit: number): Promise<Logged[]> {
    return this.#logged(repository, from, to, limit, [])
  }

  merges(repository: Repository, from: string, to: string, limit: number): Promise<Logged[]> {
    return this.#logged(repository, from, to, limit, ['--first-parent'])
  }

  async #logged(
    repository: Repository,
    from: string | undefined,
    to: string,
    limit: number,
    how: readonly string[],
  ): Promise<Logged[]> {
    await this.#copies.has(repository, to)
    const range = from ? `${from}..${to}` : to
    const out = await this.#copies.must(repository, [
      'log',
      `--max-count=${limit}`,
      ...how,
      '--format=%H%x09%ct%x09%an%x09%s',
      '--end-of-options',
      range,
    ])
    return out
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [sha = '', seconds, author = '', ...title] = line.split('\t')
        return { sha, author, title: title.join('\t'), at: Number(seconds) * 1000 }
      })
  }
}

interface Logged {
  sha: string
  title: string
  author: string
  at?: number | undefined
}
