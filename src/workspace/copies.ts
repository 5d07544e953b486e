import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Unavailable, UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import { run } from './spawn.ts'
import { PartialCopies, PROMISOR } from './partial.ts'
import type { Remotes } from './types.ts'

const MAX_REPOSITORY_KIB = 2 * 1024 * 1024
/** Of repositories with more history than this only what commits need is fetched. */
const PARTIAL_ABOVE_KIB = 1024 * 1024
const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/
/** Where GitHub keeps the head of a pull request, a fork's as well. */
const PULL = /^refs\/pull\/\d{1,9}\/head$/
export const GIT_TIMEOUT_MS = 10 * 60_000

// Nothing of the machine's or a user's git configuration counts, no prompt, only these transports, no submodules.
export const SAFE_ENV = {
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
  readonly stdin?: string | Buffer
  readonly maxOutput?: number
  /** What it prints is given back with one character a byte. */
  readonly isBinary?: boolean
}

/** The host's bare copies of repositories, one each, below a folder. Nothing is ever checked out here. */
export class BareCopies {
  readonly #partial: PartialCopies
  readonly #dir: string
  readonly #remotes: Remotes
  readonly #queues = new Map<number, Promise<unknown>>()

  constructor(dir: string, remotes: Remotes) {
    this.#dir = dir
    this.#remotes = remotes
    this.#partial = new PartialCopies(this)
  }

  pathOf(repository: Repository): string {
    return join(this.#dir, 'repos', `${repository.id}.git`)
  }

  /** One fetch or push at a time per repository. */
  inTurn<T>(repository: Repository, action: () => Promise<T>): Promise<T> {
    const next = (this.#queues.get(repository.id) ?? Promise.resolve()).then(action, action)
    this.#queues.set(
      repository.id,
      next.catch(() => {}),
    )
    return next
  }

  async git(
    repository: Repository,
    args: readonly string[],
    call: Call = {},
  ): Promise<{ exitCode: number; output: string }> {
    const all = ['-c', 'core.hooksPath=/dev/null', '--git-dir', this.pathOf(repository), ...args]
    return run('git', all, {
      env: { ...SAFE_ENV, ...call.env },
      stdin: call.stdin,
      timeoutMs: GIT_TIMEOUT_MS,
      maxOutput: call.maxOutput ?? 20_000_000,
      isBinary: call.isBinary,
    })
  }

  /** The output of a git command. @throws UserError when it fails */
  async must(repository: Repository, args: readonly string[], call: Call = {}): Promise<string> {
    const { exitCode, output } = await this.git(repository, args, call)
    if (exitCode === 0) return call.isBinary ? output : output.trim()
    throw new UserError('git_failed', `git ${args[0] ?? ''} failed for ${repository.owner}/${repository.name}.`, {
      cause: new Error(output.slice(-4000)),
    })
  }

  remote(repository: Repository, access: 'read' | 'write'): ReturnType<Remotes['remote']> {
    return this.#remotes.remote(repository, access)
  }

  /** The address and, through the environment (an argument could be read by other users of the machine), the credential. */
  async withRemote(
    repository: Repository,
    access: 'read' | 'write',
  ): Promise<{ url: string; env: Record<string, string> }> {
    const { url, authorization } = await this.remote(repository, access)
    return {
      url,
      env: {
        ...this.#remotes.env,
        ...(authorization === undefined
          ? {}
          : {
              GIT_CONFIG_COUNT: '1',
              GIT_CONFIG_KEY_0: `http.${url}.extraHeader`,
              GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
            }),
      },
    }
  }

  /** Fetches every branch, then answers the SHA of a branch or SHA. @throws UserError */
  async resolve(repository: Repository, ref: string): Promise<string> {
    return this.inTurn(repository, async () => {
      await this.fetch(repository, PULL.test(ref) ? [`+${ref}:${ref}`] : [])
      const sha = await this.#commitOf(repository, ref)
      if (sha) return sha
      const empty = (await this.must(repository, ['for-each-ref', '--count=1'])) === ''
      throw empty
        ? new UserError('repository_empty', 'The repository is empty.', { hint: 'Push a first commit, then `retry`.' })
        : new UserError('unknown_ref', `There is no \`${ref.slice(0, 80)}\` in the repository.`)
    })
  }

  /** Makes sure that a commit is here, without a request where it is already. */
  async has(repository: Repository, sha: string): Promise<void> {
    const isHere = existsSync(this.pathOf(repository)) && (await this.#commitOf(repository, sha))
    if (!isHere) await this.resolve(repository, sha)
    if (SHA.test(sha)) await this.#partial.bringWhole(repository, sha)
  }

  /** Makes sure that a commit that is here is whole. One that is gone by now is nobody's trouble: something is to be compared with it. */
  async completeIfHere(repository: Repository, sha: string): Promise<void> {
    if ((await this.isPartial(repository)) && (await this.#commitOf(repository, sha)))
      await this.#partial.bringWhole(repository, sha)
  }

  /** Whether of its history only names are here, and of what was in files only what was needed. */
  isPartial(repository: Repository): Promise<boolean> {
    return this.#partial.is(repository)
  }

  /** Every branch and tag, as it is there now: builds ask for the last tag. To be called in turn. @param more what else, as refspecs @throws UserError */
  async fetch(repository: Repository, more: readonly string[] = []): Promise<void> {
    const copy = this.pathOf(repository)
    if (!existsSync(copy)) {
      // Asked before anything is there: a copy that was begun whole stays so.
      const kib = (await this.#remotes.sizeKib?.(repository)) ?? 0
      await mkdir(copy, { recursive: true })
      await this.must(repository, ['init', '--quiet', '--bare'])
      if (kib > PARTIAL_ABOVE_KIB) await this.#partial.begin(repository)
    }
    const { url, env } = await this.withRemote(repository, 'read')
    const isPartial = await this.#partial.is(repository)
    if (isPartial) await this.#partial.readFrom(repository, url)
    const args = [
      'fetch',
      ...(isPartial ? ['--filter=blob:none'] : []),
      '--quiet',
      '--prune',
      '--no-recurse-submodules',
      '--no-tags',
      '--',
      isPartial ? PROMISOR : url,
      '+refs/heads/*:refs/heads/*',
      '+refs/tags/*:refs/tags/*',
      ...more,
    ]
    const { exitCode, output } = await this.git(repository, args, { env })
    if (exitCode !== 0) throw await this.failed(repository, output)
    await this.#checkSize(repository)
  }

  /** What a failed fetch or push means. */
  failed(repository: Repository, output: string): Promise<Error> {
    return remoteError(repository, output, async () => this.#remotes.askedToWait(repository))
  }

  async #checkSize(repository: Repository): Promise<void> {
    const counted = await this.must(repository, ['count-objects', '-v'])
    const kib = Number(/size-pack: (\d+)/.exec(counted)?.[1] ?? 0) + Number(/size: (\d+)/.exec(counted)?.[1] ?? 0)
    if (kib <= MAX_REPOSITORY_KIB) return
    throw new UserError(
      'repository_too_large',
      `The repository has ${Math.round(kib / 1024)} MB of history; at most ${MAX_REPOSITORY_KIB / 1024} MB are supported.`,
    )
  }

  async #commitOf(repository: Repository, ref: string): Promise<string | undefined> {
    if (!SHA.test(ref) && !/^[\w][\w./-]*$/.test(ref)) return undefined
    // A branch may be called like the head of a pull request.
    for (const name of PULL.test(ref) ? [ref] : [`refs/heads/${ref}`, ref]) {
      const { exitCode, output } = await this.git(repository, [
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
}

/** What git says when it was not answered, or not to the end; curl's and git's own words. */
const PASSING =
  /returned error: (?:5\d\d|408|429)|HTTP (?:5\d\d|408|429)|RPC failed|early EOF|transfer closed|Empty reply|unexpected disconnect|hung up|index-pack failed|Could not resolve|Failed to connect|Connection (?:refused|reset|timed out)|timed? ?out|SSL|TLS|gnutls/i

/** What a failed fetch or push means: a trouble that passes, or a refusal. @param askedToWait asks once whether a 403 is a limit */
export async function remoteError(
  { owner, name }: Repository,
  output: string,
  askedToWait: () => Promise<number | undefined>,
): Promise<Error> {
  const cause = new Error(output.slice(-2000))
  const refused = /returned error: 403|HTTP 403/i.test(output)
  const waitMs = refused ? await askedToWait().catch(() => 60_000) : undefined
  if (waitMs !== undefined || (!refused && PASSING.test(output)))
    return new Unavailable(`The Git server does not serve ${owner}/${name} now`, { retryAfterMs: waitMs, cause })
  if (refused || /Authentication failed|could not read Username|401|not found|404/i.test(output))
    return new UserError('clone_failed', `Muster may not read ${owner}/${name}.`, {
      hint: 'Check that the app is installed on it with the permission "Contents: read and write".',
      cause,
    })
  return new UserError('clone_failed', `${owner}/${name} could not be fetched.`, {
    hint: 'Is the Git server reachable? `retry` tries again.',
    cause,
  })
}
