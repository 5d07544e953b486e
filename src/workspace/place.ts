import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, statfsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const TEMPORARY = '/var/tmp'

/**
 * Where clones are made: a command can see the path that its folder has on this machine (`/proc/self/mountinfo`), so it is one
 * that tells nothing of who or where this is. Where no such place is safe, or has less room, they stay in the work folder.
 */
export function placeOfCheckouts(workDir: string): string {
  const own = join(resolve(workDir), 'work')
  const name = createHash('sha256').update(own).digest('hex').slice(0, 12)
  const dir = join(TEMPORARY, `muster-${name}`)
  try {
    mkdirSync(dir, { mode: 0o711, recursive: true })
    const { uid, mode } = lstatSync(dir)
    // Anybody may make a folder there, and wait for us in it.
    const isOurs = lstatSync(dir).isDirectory() && uid === process.getuid?.() && (mode & 0o022) === 0
    return isOurs && freeOn(dir) >= freeOn(resolve(workDir)) / 2 ? dir : own
  } catch {
    return own
  }
}

function freeOn(dir: string): number {
  mkdirSync(dir, { recursive: true })
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

/** How much may still be written to where a folder is, bytes. */
export async function roomIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}
