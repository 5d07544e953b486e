import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../../core/errors.ts'
import { ANSWER_MS, asked, Gone, isReset } from '../beside/ask.ts'
import { isRunning, type Note, readNote, removeNote } from '../beside/note.ts'
import { pause, startedProgram } from '../beside/start.ts'
import { noteFile, type Operations, PROTOCOL } from './protocol.ts'
import { revision } from './revision.ts'

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url))
/** How long one that was killed may take to be gone. */
const ENDS_MS = 2000

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

  /** Asks the one that runs; where that only seemed to, or ended meanwhile, one is started and asked. @param question that may be asked twice */
  async ask<T>(question: (operations: Operations) => Promise<T>): Promise<T> {
    try {
      return await question(await this.get())
    } catch (error) {
      if (!(error instanceof Gone) && !(isReset(error) && (await this.#hasEnded()))) throw error
      return question(await this.get())
    }
  }

  /** Whether it ends within a moment: one that was killed is there for as long as that takes. */
  async #hasEnded(): Promise<boolean> {
    const until = Date.now() + ENDS_MS
    while (this.find() && Date.now() < until) await pause()
    return this.find() === undefined
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

  #start(): Promise<Note> {
    const [note, log] = [noteFile(this.#releases), join(this.#releases, 'proxy.log')]
    return startedProgram({ name: 'the proxy', file: PROGRAM, args: [this.#releases], note, log })
  }
}

function operationsOf(note: Note, releases: string): Operations {
  const { state, open, route, drain, take, handover, stop } = PROTOCOL
  const to = { ...note, file: noteFile(releases) }
  return {
    state: (ask) => asked(to, 'state', ask, state.answer),
    open: (ask) => asked(to, 'open', ask, open.answer),
    route: (ask) => asked(to, 'route', ask, route.answer),
    drain: (ask) => asked(to, 'drain', ask, drain.answer, ask.ms + ANSWER_MS),
    take: (ask) => asked(to, 'take', ask, take.answer),
    handover: (ask) => asked(to, 'handover', ask, handover.answer),
    stop: (ask) => asked(to, 'stop', ask, stop.answer),
  }
}
