import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../core/errors.ts'
import { isSameProcess, startTick } from '../telemetry/process.ts'

/**
 * Takes a data folder for this process alone: two processes on one embedded database would destroy it, and it does not
 * lock itself. A lock left by a process that no longer lives is taken over.
 * @returns a function that gives the folder back
 * @throws UserError when another living process has it
 */
export function lockFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, 'lock')
  const mine = JSON.stringify({ pid: process.pid, tick: startTick(process.pid) })
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch {
      const holder = readHolder(file)
      if (holder && isSameProcess(holder.pid, holder.tick)) {
        throw new UserError('data_locked', `The data folder ${dir} is in use by process ${holder.pid}.`, {
          hint: 'Stop that server first, or set MUSTER_DATA to another folder.',
        })
      }
      rmSync(file, { force: true })
    }
  }
  throw new UserError('data_locked', `The data folder ${dir} cannot be locked.`, { hint: 'Check its permissions.' })
}

function readHolder(file: string): { pid: number; tick: string | undefined } | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || typeof holder.pid !== 'number')
      return undefined
    return { pid: holder.pid, tick: 'tick' in holder && typeof holder.tick === 'string' ? holder.tick : undefined }
  } catch {
    return undefined
  }
}
