import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { hostName, isSameProcess, startTick } from '../../../telemetry/process.ts'

/** How a process is reached that goes on while Muster stops: a file beside what it works on, for its owner alone. */

const Note = z.object({
  /** This machine, this boot of it, and where process ids mean the same. */
  machine: z.string(),
  pid: z.number(),
  tick: z.string().optional(),
  /** Where it is asked, on this machine's own address. */
  port: z.number(),
  /** Whoever asks has to know it. */
  token: z.string(),
})
export type Note = z.infer<typeof Note>

/** @returns undefined where there is none, or it cannot be read */
export function readNote(file: string): Note | undefined {
  try {
    return Note.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Whole or not at all. */
export function writeNote(file: string, { port, token }: Pick<Note, 'port' | 'token'>): void {
  const { pid } = process
  const next = `${file}.${pid}`
  writeFileSync(next, JSON.stringify({ machine: hostName(), pid, tick: startTick(pid), port, token } satisfies Note), {
    mode: 0o600,
  })
  chmodSync(next, 0o600)
  renameSync(next, file)
}

/** Whether the process that a note names still runs. */
export function isRunning({ machine, pid, tick }: Note): boolean {
  return machine === hostName() && isSameProcess(pid, tick)
}

/** Nobody is to be asked there any more. Whoever has written another one meanwhile keeps it. */
export function removeNote(file: string, { pid, token }: Pick<Note, 'pid' | 'token'>): void {
  const note = readNote(file)
  if (note?.pid === pid && note.token === token) rmSync(file, { force: true })
}

/** What a process has to do about its note. `other`: another one, here or on another machine with the same folder, does its work now. */
export function noteNow(file: string): 'mine' | 'write' | 'gone' | 'other' {
  if (!existsSync(dirname(file))) return 'gone'
  const note = readNote(file)
  if (!note) return 'write'
  if (note.machine !== hostName()) return 'other'
  if (note.pid === process.pid) return 'mine'
  return isRunning(note) ? 'other' : 'write'
}
