import { lstat, opendir, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** How much a workspace may hold in all. */
export interface Quota {
  readonly bytes: number
  readonly files: number
}

const LOOK_MS = 250

/**
 * Watches what a command writes into its folders. Counting all files costs too much to be done often: it is done once the file
 * system has lost a part of what they may hold, which it has to when something is written.
 * @param exceeded called once, when they hold more than they may
 * @returns what ends the watch; it answers whether they are over their quota
 */
export function watchQuota(dirs: readonly string[], quota: Quota, exceeded: () => void): () => Promise<boolean> {
  let isOver = false
  let mark: { readonly bytes: number; readonly files: number } | undefined
  const look = async () => {
    const now = await freeOn(dirs[0] ?? '/')
    mark ??= now
    const lost = { bytes: mark.bytes - now.bytes, files: mark.files - now.files }
    if (lost.bytes < quota.bytes / 8 && lost.files < quota.files / 8) return
    mark = now
    if (isOver || (await holds(dirs, quota))) return
    isOver = true
    exceeded()
  }
  let looking = look().catch(() => {})
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => {})
  }, LOOK_MS)
  return async () => {
    clearInterval(timer)
    await looking
    await look().catch(() => {})
    return isOver
  }
}

async function freeOn(dir: string): Promise<{ bytes: number; files: number }> {
  const { bavail, bsize, ffree } = await statfs(dir)
  return { bytes: bavail * bsize, files: ffree }
}

/** Whether everything below some folders is within the quota. What cannot be counted (nested too deep for a path) is not. */
export async function holds(dirs: readonly string[], quota: Quota): Promise<boolean> {
  let [bytes, files] = [0, 0]
  const open = [...dirs]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name)
        if (entry.isDirectory()) open.push(path)
        const { blocks } = await lstat(path).catch(() => ({ blocks: 0 }))
        bytes += blocks * 512
        files += 1
        if (bytes > quota.bytes || files > quota.files) return false
      }
    } catch (error) {
      // Removed in the meantime, or closed to us, or too deep.
      if (isTooDeep(error)) return false
    }
  }
  return true
}

function isTooDeep(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENAMETOOLONG' || error.code === 'ELOOP')
}
