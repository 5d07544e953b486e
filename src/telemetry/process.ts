import { readFileSync } from 'node:fs'

/** State and start time (clock ticks since boot): fields 3 and 22 of proc(5) stat; undefined where there is none. */
function statOf(pid: number): { state: string; tick: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', tick: fields[19] ?? '' }
  } catch {
    return undefined
  }
}

/** The start time of a process; with its pid it names the process for good. Undefined where /proc is missing. */
export function startTick(pid: number): string | undefined {
  return statOf(pid)?.tick
}

/** Whether the process that was noted still lives: same pid and, where it is known, same start time; a zombie does not. */
export function isSameProcess(pid: number, tick: string | undefined): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  const stat = statOf(pid)
  return stat?.state !== 'Z' && (tick === undefined || stat?.tick === tick)
}
