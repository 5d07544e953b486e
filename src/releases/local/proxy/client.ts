import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import { tailOf } from '../process.ts'
import { isRunning, type Note, noteFile, readNote } from './note.ts'
import { type Ask, type Operation, type Operations, PROTOCOL } from './protocol.ts'
import { revision } from './revision.ts'

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url))
/** How long it may take to answer, beside what it is asked to wait for: longer than a busy machine takes. */
const ANSWER_MS = 30_000
const START_MS = 60_000
const MAX_LOG_BYTES = 1_000_000

export type Log = (message: string, fields: Readonly<Record<string, unknown>>) => void

/** The process that has the ports, as the one that deploys knows it: found, started where there is none, and asked. */
export class ProxyProcess {
  readonly #releases: string
  readonly #log: Log
  #starting: Promise<Note> | undefined

  /** @param releases the folder of the releases */
  constructor(releases: string, log: Log) {
    this.#releases = releases
    this.#log = log
  }

  /** Undefined where none runs. */
  find(): Operations | undefined {
    const note = readNote(noteFile(this.#releases))
    return note && isRunning(note) ? operationsOf(note) : undefined
  }

  /** The one that runs; one is started where there is none. @throws where it does not start */
  async get(): Promise<Operations> {
    const found = this.find()
    if (found) return found
    const starting = (this.#starting ??= this.#start().finally(() => (this.#starting = undefined)))
    return operationsOf(await starting)
  }

  /** Has this program take over from the one of another version that runs. */
  async renew(): Promise<void> {
    const found = this.find()
    if (!found || (await found.state({})).revision === revision()) return
    try {
      await found.handover({ node: process.execPath, program: PROGRAM })
    } catch (error) {
      this.#log('the proxy of another version cannot hand over; it is ended, and a new one started', {
        error: messageOf(error),
      })
      await found.stop({})
      const until = Date.now() + ANSWER_MS
      while (this.find() && Date.now() < until) await pause()
    }
  }

  /** Ends one that does not answer. */
  end(): void {
    const note = readNote(noteFile(this.#releases))
    try {
      if (note && isRunning(note)) process.kill(note.pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
  }

  async #start(): Promise<Note> {
    mkdirSync(this.#releases, { recursive: true })
    const logFile = join(this.#releases, 'proxy.log')
    const log = openSync(logFile, 'a', 0o600)
    if (statSync(logFile).size > MAX_LOG_BYTES) truncateSync(logFile)
    // It lives longer than this process, and gets none of its secrets.
    const env = { PATH: process.env['PATH'] ?? '', HOME: '/tmp', LANG: 'C.UTF-8' }
    const child = spawn(process.execPath, [PROGRAM, this.#releases], {
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
      const note = readNote(noteFile(this.#releases))
      if (note && note.pid === child.pid) return note
      await pause()
    }
    throw new Error(`the proxy did not start: ${end.why ?? 'it took too long'}; ${(await tailOf(logFile, 500)).trim()}`)
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

function operationsOf(note: Note): Operations {
  const { state, open, route, drain, take, handover, stop } = PROTOCOL
  return {
    state: (ask) => asked(note, 'state', ask, state.answer),
    open: (ask) => asked(note, 'open', ask, open.answer),
    route: (ask) => asked(note, 'route', ask, route.answer),
    drain: (ask) => asked(note, 'drain', ask, drain.answer, ask.ms),
    take: (ask) => asked(note, 'take', ask, take.answer),
    handover: (ask) => asked(note, 'handover', ask, handover.answer),
    stop: (ask) => asked(note, 'stop', ask, stop.answer),
  }
}

async function asked<T, O extends Operation>(
  { port, token }: Note,
  operation: O,
  ask: Ask<O>,
  answer: z.ZodType<T>,
  waitMs = 0,
): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}/${operation}`, {
    method: 'POST',
    body: JSON.stringify(ask),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(waitMs + ANSWER_MS),
  })
  if (!response.ok) throw new Error(`the proxy answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  return answer.parse(await response.json())
}
