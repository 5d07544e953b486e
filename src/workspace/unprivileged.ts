import { execFile } from 'node:child_process'
import { lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '../core/errors.ts'
import { findProgram } from './programs.ts'

const execute = promisify(execFile)

/** An account that nobody has, for what runs in the sandbox where Muster itself is root: as root `/proc/sys` could be written. */
export const SANDBOX_ID = 60_999

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** What stands before a command so that root is dropped; nothing where there is none. @throws UserError where it cannot be dropped */
export function dropping(): string[] {
  if (!isRoot()) return []
  const setpriv = findProgram('setpriv')
  if (setpriv) return [setpriv, `--reuid=${SANDBOX_ID}`, `--regid=${SANDBOX_ID}`, '--clear-groups', '--']
  throw new UserError('sandbox_as_root', 'Muster runs as root, and nothing that a model wrote is run as root.', {
    hint: 'Run it as another user, or install util-linux (`setpriv`), with which root is dropped.',
  })
}

/** Makes a folder the sandbox's own, with all that is in it. Links in it are not followed. */
export async function handOver(dir: string): Promise<void> {
  if (!isRoot() || (await lstat(dir)).uid === SANDBOX_ID) return
  await execute('chown', ['--recursive', '--no-dereference', `${SANDBOX_ID}:${SANDBOX_ID}`, '--', dir])
}

/** Whether an account without any rights gets as far as `path`. */
export async function isReachable(path: string): Promise<boolean> {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & 0o001) === 0) return false
    if (dir === dirname(dir)) return true
  }
}
