import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import { makeCheckout } from './checkout.ts'
import { run } from './spawn.ts'
import type { CommitInput, Git, Remotes, Sandbox } from './types.ts'

const MAX_REPOSITORY_KIB = 2 * 1024 * 1024
const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/
const TIMEOUT_MS = 10 * 60_000

// Nothing of the machine's or a user's git configuration counts, no prompt, only these transports, no submodules.
const SAFE_ENV = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'https:http',
  GIT_PROTOCOL_FROM_USER: '0',
  GIT_ATTR_NOSYSTEM: '1',
}

interface Call {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly maxOutput?: number
}

/** Git over bare copies in `dir`, one per repository. */
export function hostGit(dir: string, remotes: Remotes, sandbox: Sandbox): Git {
  const queues = new Map<number, Promise<unknown>>()
  const copyOf = (repository: Repository) => join(dir, 'repos', `${repository.id}.git`)

  /** One fetch or push at a time per repository. */
  function inTurn<T>(repository: Repository, action: () => Promise<T>): Promise<T> {
    const next = (queues.get(repository.id) ?? Promise.resolve()).then(action, action)
    queues.set(
      repository.id,
      next.catch(() => {}),
    )
    return next
  }

  async function git(
    repository: Repository,
    args: readonly string[],
    call: Call = {},
  ): Promise<{ exitCode: number; output: string }> {
    return run('git', ['-c', 'core.hooksPath=/dev/null', '--git-dir', copyOf(repository), ...args], {
      env: { ...SAFE_ENV, ...call.env },
      stdin: call.stdin,
      timeoutMs: TIMEOUT_MS,
      maxOutput: call.maxOutput ?? 20_000_000,
    })
  }

  async function must(repository: Repository, args: readonly string[], call: Call = {}): Promise<string> {
    const { exitCode, output } = await git(repository, args, call)
    if (exitCode !== 0)
      throw new UserError('git_failed', `git ${args[0] ?? ''} failed for ${repository.owner}/${repository.name}.`, {
        cause: new Error(output.slice(-4000)),
      })
    return output.trim()
  }

  async function withRemote(
    repository: Repository,
    access: 'read' | 'write',
  ): Promise<{ url: string; env: Record<string, string> }> {
    const { url, authorization } = await remotes.remote(repository, access)
    // Through the environment: an argument could be read by other users of the machine.
    return {
      url,
      env: {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: `http.${url}.extraHeader`,
        GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
      },
    }
  }

  async function fetchAll(repository: Repository): Promise<void> {
    const copy = copyOf(repository)
    if (!existsSync(copy)) {
      await mkdir(copy, { recursive: true })
      await must(repository, ['init', '--quiet', '--bare'])
    }
    const { url, env } = await withRemote(repository, 'read')
    const { exitCode, output } = await git(
      repository,
      ['fetch', '--quiet', '--prune', '--no-recurse-submodules', '--no-tags', '--', url, '+refs/heads/*:refs/heads/*'],
      { env },
    )
    if (exitCode !== 0) throw cloneError(repository, output)
    await checkSize(repository)
  }

  async function checkSize(repository: Repository): Promise<void> {
    const counted = await must(repository, ['count-objects', '-v'])
    const kib = Number(/size-pack: (\d+)/.exec(counted)?.[1] ?? 0) + Number(/size: (\d+)/.exec(counted)?.[1] ?? 0)
    if (kib > MAX_REPOSITORY_KIB)
      throw new UserError(
        'repository_too_large',
        `The repository has ${Math.round(kib / 1024)} MB of history; at most ${MAX_REPOSITORY_KIB / 1024} MB are supported.`,
      )
  }

  async function commitOf(repository: Repository, ref: string): Promise<string | undefined> {
    if (!SHA.test(ref) && !/^[\w][\w./-]*$/.test(ref)) return undefined
    for (const name of [`refs/heads/${ref}`, ref]) {
      const { exitCode, output } = await git(repository, [
        'rev-parse',
        '--verify',
        '--quiet',
        '--end-of-options',
        `${name}^{commit}`,
      ])
      if (exitCode === 0) return output.trim()
    }
    return undefined
  }

  async function resolve(repository: Repository, ref: string): Promise<string> {
    return inTurn(repository, async () => {
      await fetchAll(repository)
      const sha = await commitOf(repository, ref)
      if (sha) return sha
      const empty = (await must(repository, ['for-each-ref', '--count=1'])) === ''
      throw empty
        ? new UserError('repository_empty', 'The repository is empty.', {
            hint: 'Push a first commit, then try again.',
          })
        : new UserError('unknown_ref', `There is no \`${ref.slice(0, 80)}\` in the repository.`)
    })
  }

  async function has(repository: Repository, sha: string): Promise<void> {
    if (existsSync(copyOf(repository)) && (await commitOf(repository, sha))) return
    await resolve(repository, sha)
  }

  return {
    resolve,
    async checkout(repository, sha, signal) {
      await has(repository, sha)
      return makeCheckout({ dir: join(dir, 'work', randomUUID()), base: copyOf(repository), sha, sandbox, signal })
    },
    async commitAndPush(input) {
      await has(input.repository, input.parentSha)
      return inTurn(input.repository, () => commitAndPush(input))
    },
    async archive(repository, sha, to) {
      await has(repository, sha)
      await mkdir(to, { recursive: true })
      const tar = `${to}.tar`
      await must(repository, ['archive', '--format=tar', '-o', tar, sha])
      const { exitCode, output } = await run('tar', ['-xf', tar, '-C', to, '--no-same-owner'], {
        env: { PATH: SAFE_ENV.PATH },
        timeoutMs: TIMEOUT_MS,
      })
      await rm(tar, { force: true })
      if (exitCode !== 0)
        throw new UserError('archive_failed', 'The files of the release could not be unpacked.', {
          cause: new Error(output),
        })
    },
    async show(repository, sha, path) {
      await has(repository, sha)
      const { exitCode, output } = await git(repository, ['cat-file', 'blob', `${sha}:${path}`], { maxOutput: 400_000 })
      return exitCode === 0 ? output : undefined
    },
    async changedFiles(repository, from, to) {
      await has(repository, to)
      return (
        await must(repository, [
          'diff',
          '--name-only',
          '-z',
          '--no-renames',
          '--no-ext-diff',
          '--no-textconv',
          from,
          to,
        ])
      )
        .split('\0')
        .filter(Boolean)
    },
    async mergeBase(repository, one, other) {
      await has(repository, one)
      return must(repository, ['merge-base', one, other])
    },
    async isAncestor(repository, ancestor, of) {
      await has(repository, ancestor)
      return (await git(repository, ['merge-base', '--is-ancestor', ancestor, of])).exitCode === 0
    },
    async log(repository, from, to, limit) {
      await has(repository, to)
      const range = from ? `${from}..${to}` : to
      const out = await must(repository, [
        'log',
        `--max-count=${limit}`,
        '--format=%H%x09%an%x09%s',
        '--end-of-options',
        range,
      ])
      return out
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [sha = '', author = '', ...title] = line.split('\t')
          return { sha, author, title: title.join('\t') }
        })
    },
  }

  /** Patch → index → tree → commit → push, in the bare copy, with an index of its own. Nothing is ever checked out. */
  async function commitAndPush({
    repository,
    branch,
    parentSha,
    diff,
    message,
    author,
    at,
  }: CommitInput): Promise<{ sha: string }> {
    const index = join(dir, 'repos', `${randomUUID()}.index`)
    const date = `${Math.floor(at / 1000)} +0000`
    const env = {
      GIT_INDEX_FILE: index,
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
    }
    try {
      await must(repository, ['read-tree', parentSha], { env })
      await must(repository, ['apply', '--cached', '--binary', '--whitespace=nowarn', '-'], { env, stdin: diff })
      const tree = await must(repository, ['write-tree'], { env })
      const sha = await must(repository, ['commit-tree', tree, '-p', parentSha, '-F', '-'], { env, stdin: message })
      await push(repository, branch, sha)
      return { sha }
    } finally {
      await rm(index, { force: true })
    }
  }

  /** Never forced: a branch that moved on in the meantime is somebody else's work. */
  async function push(repository: Repository, branch: string, sha: string): Promise<void> {
    const { url, env } = await withRemote(repository, 'write')
    const { exitCode, output } = await git(
      repository,
      ['push', '--quiet', '--no-verify', '--', url, `${sha}:refs/heads/${branch}`],
      { env },
    )
    if (exitCode === 0) return
    if (/non-fast-forward|fetch first|rejected/.test(output))
      throw new UserError('branch_moved', `The branch \`${branch}\` has commits that Muster does not know.`, {
        hint: 'Merge or remove them, then retry.',
        cause: new Error(output),
      })
    throw new Error(`git push failed: ${output.slice(-2000)}`)
  }
}

function cloneError(repository: Repository, output: string): Error {
  const name = `${repository.owner}/${repository.name}`
  if (/Authentication failed|403|401|not found|404/i.test(output))
    return new UserError('clone_failed', `Muster may not read ${name}.`, {
      hint: 'Check that the app is installed on it with the permission "Contents: read and write".',
      cause: new Error(output),
    })
  return new UserError('clone_failed', `${name} could not be fetched.`, {
    hint: 'Is the Git server reachable? `retry` tries again.',
    cause: new Error(output.slice(-2000)),
  })
}
