import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { messageOf } from '../../../core/errors.ts'
import { tailOf } from '../process.ts'
import { isRunning, type Note, noteFile, readNote, removeNote } from './note.ts'
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
    return note && isRunning(note) ? operationsOf(note, this.#releases) : undefined
  }

  /** The one that runs; one is started where there is none. @throws where it does not start */
  async get(): Promise<Operations> {
    const found = this.find()
    if (found) return found
    const starting = (this.#starting ??= this.#start().finally(() => (this.#starting = undefined)))
    return operationsOf(await starting, this.#releases)
  }

  /** Asks the one that runs; where that only seemed to, one is started and asked. */
  async ask<T>(question: (operations: Operations) => Promise<T>): Promise<T> {
    try {
      return await question(await this.get())
    } catch (error) {
      if (!(error instanceof Gone)) throw error
      return question(await this.get())
    }
  }

  /** Has this program take over from the one of another version that runs, or in the place of one that does not answer. */
  async renew(): Promise<void> {
    const found = this.find()
    if (!found) return
    const theirs = await found.state({}).catch(() => undefined)
    if (theirs?.revision === revision()) return
    try {
      await found.handover({ node: process.execPath, program: PROGRAM })
    } catch (error) {
      const fate = theirs ? 'it goes on as it is' : 'it is ended, and a new one started'
      this.#log(`the proxy that runs cannot hand over; ${fate}`, { error: messageOf(error) })
      // One that answers serves: better the program of before than none.
      if (!theirs) await this.end()
    }
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    const file = noteFile(this.#releases)
    const note = readNote(file)
    if (!note) return
    try {
      if (isRunning(note)) process.kill(note.pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
    const until = Date.now() + ANSWER_MS
    while (isRunning(note) && Date.now() < until) await pause()
    removeNote(file, note)
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

/** Nobody answers there any more, though a process of that number runs: it is about to end. Its note is gone now. */
export class Gone extends Error {}

function operationsOf(note: Note, releases: string): Operations {
  const { state, open, route, drain, take, handover, stop } = PROTOCOL
  const to = { ...note, file: noteFile(releases) }
  return {
    state: (ask) => asked(to, 'state', ask, state.answer),
    open: (ask) => asked(to, 'open', ask, open.answer),
    route: (ask) => asked(to, 'route', ask, route.answer),
    drain: (ask) => asked(to, 'drain', ask, drain.answer, ask.ms),
    take: (ask) => asked(to, 'take', ask, take.answer),
    handover: (ask) => asked(to, 'handover', ask, handover.answer),
    stop: (ask) => asked(to, 'stop', ask, stop.answer),
  }
}

async function asked<T, O extends Operation>(
  to: Note & { readonly file: string },
  operation: O,
  ask: Ask<O>,
  answer: z.ZodType<T>,
  waitMs = 0,
): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${to.port}/${operation}`, {
    method: 'POST',
    body: JSON.stringify(ask),
    headers: { authorization: `Bearer ${to.token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(waitMs + ANSWER_MS),
  }).catch((error: unknown) => {
    if (!isRefused(error)) throw error
    removeNote(to.file, to)
    throw new Gone('the proxy is not there any more', { cause: error })
  })
  if (!response.ok) throw new Error(`the proxy answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  return answer.parse(await response.json())
}

function isRefused(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {}
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
}
