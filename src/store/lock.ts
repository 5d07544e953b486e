import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { hostName, isSameProcess, startTick } from '../telemetry/process.ts'

/**
 * Takes a data folder for this process alone: two processes on one embedded database would destroy it, and it does not
 * lock itself. A lock left by a process that no longer lives is taken over: of this machine (and container) the process table
 * tells which that is; on any other one, whoever has the lock touches it as long as it lives.
 * @returns a function that gives the folder back
 * @throws UserError when another living process has it
 */
export function lockFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, 'lock')
  const mine = JSON.stringify({ host: hostName(), pid: process.pid, tick: startTick(process.pid) })
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      const touching = setInterval(() => touch(file), TOUCH_MS).unref()
      return () => {
        clearInterval(touching)
        rmSync(file, { force: true })
      }
    } catch {
      const holder = readHolder(file)
      if (holder && isAlive(holder, file)) {
        const where = holder.host === undefined || holder.host === hostName() ? '' : ' of another machine or container'
        throw new UserError('data_locked', `The data folder ${dir} is in use by process ${holder.pid}${where}.`, {
          hint: 'Stop that server first (one that was killed elsewhere is known to be gone after 20 seconds), or set MUSTER_DATA to another folder.',
        })
      }
      rmSync(file, { force: true })
    }
  }
  throw new UserError('data_locked', `The data folder ${dir} cannot be locked.`, { hint: 'Check its permissions.' })
}

interface Holder {
  /** Where its process id means something; a version before did not say. */
  readonly host: string | undefined
  readonly pid: number
  readonly tick: string | undefined
}

const TOUCH_MS = 3000
/** A lock that was not touched for so long is of a process that ended. */
const STALE_MS = 20_000

function touch(file: string): void {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // The folder is gone, or cannot be written: whoever works in it will say so.
  }
}

function isAlive({ host, pid, tick }: Holder, file: string): boolean {
  if (host === undefined || host === hostName()) return isSameProcess(pid, tick)
  try {
    return Date.now() - statSync(file).mtimeMs < STALE_MS
  } catch {
    return false
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || typeof holder.pid !== 'number')
      return undefined
    const text = (name: string) => {
      const value: unknown = Reflect.get(holder, name)
      return typeof value === 'string' ? value : undefined
    }
    return { host: text('host'), pid: holder.pid, tick: text('tick') }
  } catch {
    return undefined
  }
}
