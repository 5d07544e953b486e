import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs'
import { dirname } from 'node:path'
import { tailOf } from '../process.ts'
import { type Note, readNote } from './note.ts'

const START_MS = 60_000
const MAX_LOG_BYTES = 1_000_000

/** A program of Muster's own that is to go on while Muster stops. */
export interface Program {
  /** As errors call it. */
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly note: string
  readonly log: string
}

/** Starts it, and waits until it can be asked. It lives longer than this process, and gets none of its secrets. @throws where it does not start */
export async function startedProgram({ name, file, args, note: noteFile, log: logFile }: Program): Promise<Note> {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a', 0o600)
  if (statSync(logFile).size > MAX_LOG_BYTES) truncateSync(logFile)
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/tmp', LANG: 'C.UTF-8' }
  const child = spawn(process.execPath, [file, ...args], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const end: { why?: string } = {}
  child.once('error', (error) => (end.why = error.message))
  child.once('exit', (code, signal) => (end.why = `it ended: ${signal ?? code}`))
  child.unref()
  const until = Date.now() + START_MS
  while (Date.now() < until && end.why === undefined) {
    const note = readNote(noteFile)
    if (note && note.pid === child.pid) return note
    await pause()
  }
  throw new Error(`${name} did not start: ${end.why ?? 'it took too long'}; ${(await tailOf(logFile, 500)).trim()}`)
}

export const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
