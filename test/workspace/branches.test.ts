import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { Repository } from '../../src/core/task/types.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'

const repository: Repository = { id: 1, owner: 'acme', name: 'x', defaultBranch: 'main', installationId: 1 }
const dir = mkdtempSync(join(tmpdir(), 'muster-branches-'))
const [bare, copy] = [join(dir, 'x.git'), join(dir, 'copy')]

/** A repository as any file server gives it out. */
const server = createServer((request, response) => {
  const file = join(bare, new URL(request.url ?? '/', 'http://x').pathname)
  if (!existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end()
  createReadStream(file).pipe(response)
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
afterAll(() => {
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

function run(...args: string[]): string {
  const names = ['-c', 'user.name=x', '-c', 'user.email=x@x']
  return execFileSync('git', [...names, ...args], { stdio: 'pipe' })
    .toString()
    .trim()
}
function push(...refs: string[]): void {
  run('-C', copy, 'push', '--quiet', '--force', 'origin', ...refs)
  run('-C', bare, 'update-server-info')
}
function commit(message: string): string {
  run('-C', copy, 'commit', '--quiet', '--allow-empty', '-m', message)
  return run('-C', copy, 'rev-parse', 'HEAD')
}

it('a commit is on the branches that have it now: not where it was rewritten, nor in a fork', async () => {
  run('init', '--quiet', '--bare', '-b', 'main', bare)
  run('init', '--quiet', '-b', 'main', copy)
  run('-C', copy, 'remote', 'add', 'origin', bare)
  const first = commit('first')
  push('main')
  run('-C', copy, 'checkout', '--quiet', '-b', 'feature/x')
  const own = commit('own')
  const forked = commit('forked')
  push(`${own}:refs/heads/feature/x`, `${forked}:refs/pull/7/head`)
  const { port } = server.address() as AddressInfo
  const remotes = {
    remote: async () => ({ url: `http://127.0.0.1:${port}/`, authorization: undefined }),
    askedToWait: async () => undefined,
  }
  const git = hostGit(join(dir, 'host'), remotes, openSandbox('none'))
  expect(await git.resolve(repository, 'feature/x')).toBe(own)
  expect(await git.branchesWith(repository, own)).toEqual(['feature/x'])
  expect(await git.branchesWith(repository, first)).toEqual(['feature/x', 'main'])
  expect(await git.resolve(repository, 'refs/pull/7/head')).toBe(forked)
  expect(await git.branchesWith(repository, forked)).toEqual([])
  push(`+${first}:refs/heads/feature/x`)
  expect(await git.branchesWith(repository, own)).toEqual([])
})
