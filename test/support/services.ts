import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { sep } from 'node:path'

/** Whether this machine tells where its processes run. */
export const TELLS_PROCESSES = existsSync('/proc/self/cwd')

/** The processes that run in a folder, or below it. */
export function processesIn(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return `${readlinkSync(`/proc/${pid}/cwd`)}${sep}`.startsWith(`${folder}${sep}`)
    } catch {
      return false
    }
  })
}
