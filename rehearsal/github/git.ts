import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const ENV = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
}

/** Git in a bare repository of the rehearsal. */
export async function git(
  dir: string,
  args: readonly string[],
  extra: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await exec('git', ['--git-dir', dir, ...args], {
    env: { ...ENV, ...extra },
    maxBuffer: 50_000_000,
  })
  return stdout.trim()
}

/** A bare repository with one commit that has the files of a folder. */
export async function importFolder(dir: string, from: string, author: string, message: string): Promise<void> {
  mkdirSync(dirname(dir), { recursive: true })
  await exec('git', ['init', '--quiet', '--bare', '--initial-branch=main', dir], { env: ENV })
  await git(dir, ['config', 'http.receivepack', 'true'])
  await commitFolder(dir, from, author, message)
}

/** Commits the files of a folder onto main. */
export async function commitFolder(dir: string, from: string, author: string, message: string): Promise<void> {
  const index = { GIT_INDEX_FILE: `${dir}/import.index`, GIT_WORK_TREE: from }
  await git(dir, ['add', '-A', '.'], index)
  const tree = await git(dir, ['write-tree'], index)
  const parent = await shaOf(dir, 'main')
  const commit = await git(
    dir,
    ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', message],
    identity(author),
  )
  await git(dir, ['update-ref', 'refs/heads/main', commit])
}

/** Files of a commit that somebody makes; null: it is removed. */
export type Changes = Readonly<Record<string, string | null>>

/** A commit of some files onto another. @returns its SHA */
export async function commitFiles(
  dir: string,
  parent: string,
  files: Changes,
  author: string,
  message: string,
): Promise<string> {
  const tree = mkdtempSync(join(tmpdir(), 'muster-commit-'))
  const index = { GIT_INDEX_FILE: join(tree, '.index'), GIT_WORK_TREE: tree }
  try {
    await git(dir, ['read-tree', parent], index)
    for (const [path, text] of Object.entries(files)) {
      if (text === null) await git(dir, ['rm', '--quiet', '--cached', '--', path], index)
      else {
        mkdirSync(dirname(join(tree, path)), { recursive: true })
        writeFileSync(join(tree, path), text)
        await git(dir, ['add', '--force', '--', path], index)
      }
    }
    const written = await git(dir, ['write-tree'], index)
    return await git(dir, ['commit-tree', written, '-p', parent, '-m', message], identity(author))
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** Who commits, as git's environment wants it. */
export function identity(name: string): Record<string, string> {
  const email = `${name}@example.com`
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
}

export async function shaOf(dir: string, ref: string): Promise<string | undefined> {
  try {
    return await git(dir, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])
  } catch {
    return undefined
  }
}

/** Where the head of a pull request is kept, whichever repository it is in. */
export async function showHead(dir: string, number: number, sha: string): Promise<void> {
  await git(dir, ['update-ref', `refs/pull/${number}/head`, sha])
}

export interface Commit {
  readonly sha: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: { readonly name: string; readonly email: string; readonly date: string }
  readonly message: string
}

/** The commit that a branch, a tag or a SHA names. */
export async function commitAt(dir: string, ref: string): Promise<Commit | undefined> {
  const sha = await shaOf(dir, ref)
  if (!sha) return undefined
  const shown = await git(dir, ['show', '--no-patch', '--format=%T%x00%P%x00%an%x00%ae%x00%aI%x00%B', sha])
  const [tree = '', parents = '', name = '', email = '', date = '', message = ''] = shown.split('\0')
  return { sha, tree, parents: parents.split(' ').filter(Boolean), author: { name, email, date }, message }
}

/** Answers git's smart HTTP protocol by `git http-backend`. */
export function serveGit(
  root: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const env = {
    ...ENV,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method ?? 'GET',
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    REMOTE_USER: 'app',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    ...(request.headers['content-length'] ? { CONTENT_LENGTH: request.headers['content-length'] } : {}),
  }
  const child = spawn('git', ['http-backend'], { env })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    let begun = false
    child.stdout.on('data', (chunk: Buffer) => {
      if (begun) return void response.write(chunk)
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      begun = true
      writeHead(response, head.subarray(0, end).toString())
      response.write(head.subarray(end + 4))
    })
    child.once('error', reject)
    child.once('close', () => {
      response.end()
      resolve()
    })
  })
}

function writeHead(response: ServerResponse, text: string): void {
  const headers = text.split('\r\n').map((line) => line.split(/:\s*/, 2) as [string, string])
  const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1]
  response.writeHead(
    status ? Number.parseInt(status, 10) : 200,
    Object.fromEntries(headers.filter(([name]) => name.toLowerCase() !== 'status')),
  )
}
