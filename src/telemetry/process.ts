import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

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

const TICKS_A_SECOND = 100

/** When a process was started, ms since the epoch, to some tens of ms (proc(5): `starttime`, and `btime` of the system); undefined where /proc is missing. */
export function startedAt(pid: number): number | undefined {
  const [tick, boot] = [startTick(pid), /^btime (\d+)$/m.exec(readOr('/proc/stat'))?.[1]]
  return tick && boot ? (Number(boot) + Number(tick) / TICKS_A_SECOND) * 1000 : undefined
}

/** Whether the process that was noted still lives: same pid and, where it is known, same start time; a zombie does not. */
export function isSameProcess(pid: number, tick: string | undefined): boolean {
  let isOurs = true
  try {
    process.kill(pid, 0)
  } catch (error) {
    isOurs = false
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const stat = statOf(pid)
  // Of somebody else's process the system may tell nothing but that it is there.
  if (!stat && !isOurs) return true
  return stat?.state !== 'Z' && (tick === undefined || stat?.tick === tick)
}

let host: string | undefined

/** The machine, as far as process ids mean anything on it: its name, this boot of it, and the pid namespace (containers have their own). */
export function hostName(): string {
  host ??= [
    hostname(),
    readOr('/proc/sys/kernel/random/boot_id').slice(0, 8),
    linkOr('/proc/self/ns/pid').replace(/\D/g, ''),
  ].join('~')
  return host
}

/** A name for this process that no other ever has. */
export function processName(): string {
  return [hostName(), process.pid, startTick(process.pid) ?? '', randomBytes(4).toString('hex')].join('|')
}

/** The parts of such a name. */
export function readProcessName(name: string): { host: string; pid: number; tick: string | undefined } | undefined {
  const [hostPart, pid, tick] = name.split('|')
  if (!hostPart || !pid || !Number.isInteger(Number(pid))) return undefined
  return { host: hostPart, pid: Number(pid), tick: tick || undefined }
}

/** A process elsewhere that was not seen for so long has ended; one on this machine is looked at. */
const SILENT_MS = 60_000

/** Whether a process has ended: on this machine the process table tells; elsewhere only silence does. @param silentMs since it was last seen */
export function isDead(name: string, silentMs: number): boolean {
  const named = readProcessName(name)
  if (!named) return silentMs > SILENT_MS
  return named.host === hostName() ? !isSameProcess(named.pid, named.tick) : silentMs > SILENT_MS
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function linkOr(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
