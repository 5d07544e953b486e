import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Limits of a control group: they hold for all processes together, for root too (where RLIMIT_NPROC does not). */
export interface Limits {
  readonly processes: number
  readonly memoryBytes: number
}

export interface Group {
  /** Files into which a process writes its pid to join. */
  readonly joins: readonly string[]
  remove(): void
}

const ROOT = '/sys/fs/cgroup'

/** Makes a control group (v2, or v1's pids and memory); undefined where this process may not. */
export function makeGroup(limits: Limits): Group | undefined {
  const name = `muster-${randomUUID()}`
  const v2 = existsSync(join(ROOT, 'cgroup.controllers'))
  const wanted: [string, string, string][] = v2
    ? [
        [join(ROOT, name), 'pids.max', `${limits.processes}`],
        [join(ROOT, name), 'memory.max', `${limits.memoryBytes}`],
      ]
    : [
        [join(ROOT, 'pids', name), 'pids.max', `${limits.processes}`],
        [join(ROOT, 'memory', name), 'memory.limit_in_bytes', `${limits.memoryBytes}`],
      ]
  const dirs = [...new Set(wanted.map(([dir]) => dir))]
  const remove = () => dirs.forEach((dir) => attempt(() => rmdirSync(dir)))
  const made = attempt(() => {
    for (const dir of dirs) mkdirSync(dir)
    for (const [dir, file, value] of wanted) writeFileSync(join(dir, file), value)
  })
  if (made) return { joins: dirs.map((dir) => join(dir, 'cgroup.procs')), remove }
  remove()
  return undefined
}

function attempt(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}
