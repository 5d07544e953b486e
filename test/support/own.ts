import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** Repositories of one's own, for tests of what works on them. */

const SAMPLE = fileURLToPath(new URL('../../rehearsal/sample', import.meta.url))

const ENV = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
}

export function gitIn(dir: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-C', dir, ...args], { env: ENV, encoding: 'utf8' }).trim()
}

/** A folder that is gone after the test. */
export function temporary(): string {
  const dir = mkdtempSync(join(tmpdir(), 'muster-own-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function writeAll(dir: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
}

/** A repository with these files in one commit. */
export function ownRepository(files: Readonly<Record<string, string>>, name = 'own'): string {
  const dir = join(temporary(), name)
  mkdirSync(dir)
  writeAll(dir, files)
  gitIn(dir, 'init', '--quiet', '--initial-branch=trunk')
  commitAll(dir, 'First')
  return dir
}

export function commitAll(dir: string, message: string): string {
  gitIn(dir, 'add', '--all')
  gitIn(dir, 'commit', '--quiet', '--allow-empty', '--message', message)
  return gitIn(dir, 'rev-parse', 'HEAD')
}

/** The price service, as somebody's own. */
export function ownPriceService(): string {
  const dir = ownRepository({ 'README.md': 'x' }, 'price')
  cpSync(SAMPLE, dir, { recursive: true })
  commitAll(dir, 'Price service')
  return dir
}
