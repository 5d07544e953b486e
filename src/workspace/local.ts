import { constants, existsSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UserError } from '../core/errors.ts'
import type { Repository } from '../core/task/types.ts'
import { GIT_TIMEOUT_MS } from './copies.ts'
import { hostGit } from './git.ts'
import { placeOfCheckouts } from './place.ts'
import { run } from './spawn.ts'
import type { Git, Sandbox } from './types.ts'

/** A repository on this machine: a folder that somebody works in, or a bare one. */
export interface LocalRepository {
  /** Its folder. */
  readonly path: string
  /** The commit that is taken, and what its branch is called. */
  readonly sha: string
  readonly branch: string
  /** How many files are changed and not committed: they are no part of what is taken. */
  readonly uncommitted: number
}

// Whatever its settings name is not run: no hooks, no file system monitor, no transport but that of files.
const QUIET = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'protocol.file.allow=always']

async function git(args: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: process.env['HOME'] ?? '/nonexistent',
    LANG: 'C.UTF-8',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'file',
    GIT_OPTIONAL_LOCKS: '0',
  }
  const { exitCode, output } = await run('git', [...QUIET, ...args], { env, timeoutMs: GIT_TIMEOUT_MS })
  return { exitCode, output: output.trim() }
}

async function must(args: readonly string[], failure: string): Promise<string> {
  const { exitCode, output } = await git(args)
  if (exitCode === 0) return output
  throw new UserError('git_failed', `${failure}\n${output.slice(-500)}`)
}

/** Looks at a repository. @param ref the commit that is taken; without it the one that is checked out @throws UserError */
export async function localRepository(path: string, ref = 'HEAD'): Promise<LocalRepository> {
  const folder = resolve(path)
  if (!existsSync(folder)) throw new UserError('no_repository', `There is no folder ${folder}.`)
  const inside = await git(['-C', folder, 'rev-parse', '--absolute-git-dir'])
  if (inside.exitCode !== 0)
    throw new UserError('no_repository', `${folder} is no git repository.\n${inside.output.slice(-300)}`, {
      hint: '`git init`, and commit what is there.',
    })
  const commit = await git(['-C', folder, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`])
  if (commit.exitCode !== 0)
    throw new UserError('unknown_ref', `There is no commit "${ref}" in ${folder}.`, {
      hint: 'Is anything committed there?',
    })
  const branch = await git(['-C', folder, 'symbolic-ref', '--quiet', '--short', 'HEAD'])
  const status = await git(['-C', folder, 'status', '--porcelain', '--ignore-submodules=all'])
  return {
    path: folder,
    sha: commit.output,
    branch: branch.exitCode === 0 && ref === 'HEAD' ? branch.output : 'main',
    uncommitted: status.exitCode === 0 ? status.output.split('\n').filter(Boolean).length : 0,
  }
}

/** What the branches of a repository go into: what its origin calls so, else `main` or `master`. @throws UserError */
export async function trunkOf(path: string): Promise<string> {
  const { output, exitCode } = await git([
    '-C',
    resolve(path),
    'symbolic-ref',
    '--quiet',
    '--short',
    'refs/remotes/origin/HEAD',
  ])
  const names = [...(exitCode === 0 ? [output] : []), 'main', 'master']
  for (const name of names) {
    const found = await git([
      '-C',
      resolve(path),
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${name}^{commit}`,
    ])
    if (found.exitCode === 0) return name
  }
  throw new UserError('no_trunk', 'What the branch goes into is not known.', { hint: '`--base <branch>` says it.' })
}

/** Commits that a repository has at its commit and not at another, the newest first, as people wrote them: 50 at most. */
export async function commitsBetween(
  { path, sha }: LocalRepository,
  base: string,
): Promise<readonly { readonly title: string; readonly body: string }[]> {
  const format = '--format=%s%x00%b%x01'
  const range = ['--end-of-options', `${base}..${sha}`]
  const out = await must(['-C', path, 'log', '--max-count=50', format, ...range], 'The commits cannot be read.')
  return out
    .split('\x01')
    .map((one) => one.trim().split('\0'))
    .filter(([title]) => title)
    .map(([title = '', body = '']) => ({ title, body: body.trim() }))
}

/** A bare copy of one commit and what came before it, and of nothing that came after. @param dir where it is made */
export async function copyRepository({ path, sha, branch }: LocalRepository, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  await must(['init', '--quiet', '--bare', `--initial-branch=${branch}`, dir], 'No copy of the repository can be made.')
  const into = `${sha}:refs/heads/${branch}`
  await must(
    // Tags come along as far as they are of what is taken.
    ['--git-dir', dir, 'fetch', '--quiet', '--no-recurse-submodules', '--', path, into],
    `${path} cannot be copied.`,
  )
  await copyLargeFiles(await storeOf(path), dir)
}

/** Where what all working trees of a repository have in common is. */
async function storeOf(path: string): Promise<string> {
  return resolve(path, await must(['-C', path, 'rev-parse', '--git-common-dir'], `${path} is no git repository.`))
}

/** What LFS keeps beside a repository, where it does. */
async function copyLargeFiles(from: string, to: string): Promise<void> {
  const [source, target] = [from, to].map((one) => join(one, 'lfs', 'objects'))
  if (!source || !target || !existsSync(source)) return
  // Not twice on the disk, where it can share them.
  await cp(source, target, { recursive: true, force: false, mode: constants.COPYFILE_FICLONE })
}

/** Where a repository keeps its own files. */
export function gitFolder({ path }: LocalRepository): Promise<string> {
  return must(['-C', path, 'rev-parse', '--absolute-git-dir'], `${path} is no git repository.`)
}

/** Brings a branch into a repository, under its own name or, where that is taken, the next free one. @returns the name */
export async function bringBranch(from: string, branch: string, { path }: LocalRepository): Promise<string> {
  for (let nth = 1; ; nth++) {
    const name = nth === 1 ? branch : `${branch}-${nth}`
    const taken = await git(['-C', path, 'rev-parse', '--verify', '--quiet', `refs/heads/${name}`])
    if (taken.exitCode === 0) continue
    const ref = `refs/heads/${branch}:refs/heads/${name}`
    await must(
      [
        '-C',
        path,
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-recurse-submodules',
        '--',
        from,
        ref,
      ],
      'The branch cannot be brought into the repository.',
    )
    await copyLargeFiles(from, await storeOf(path))
    return name
  }
}

/** A bare copy, as what works on a repository of GitHub's knows one. */
export function asRepository(name: string, defaultBranch: string): Repository {
  return { id: 1, owner: 'local', name, defaultBranch, installationId: 0 }
}

/** Git over one bare copy on this machine. @param dir where it keeps its own */
export function localGit(bare: string, dir: string, sandbox: Sandbox): Git {
  const remotes = {
    remote: async () => ({ url: bare, authorization: 'none' }),
    largeFiles: () => join(bare, 'lfs', 'objects'),
    env: { GIT_ALLOW_PROTOCOL: 'file' },
    askedToWait: async () => undefined,
  }
  return hostGit(dir, remotes, sandbox, { checkouts: placeOfCheckouts(dir) })
}
