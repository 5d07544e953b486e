import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { UserError } from '../../../core/errors.ts'
import { asked, Gone, isReset } from '../beside/ask.ts'
import { isRunning, type Note, readNote } from '../beside/note.ts'
import { revisionOf } from '../beside/revision.ts'
import { pause, startedProgram } from '../beside/start.ts'
import { type Lead, type ObjectFiles, type Operation, PROTOCOL, type Standing, type Version } from './protocol.ts'
import { endRuntime } from './stray.ts'

const PROGRAM = new URL('main.ts', import.meta.url)
/** A change waits for what is under way, and for the runtime to begin anew; a release is tried before. */
const CHANGE_MS = 3 * 60_000
const LOOK_MS = 5000
/** For so many looks in a row it may answer nothing before it is ended. */
const MISSES = 3
const ENDS_MS = 10_000

// As it was when this process began: the files may be those of the next version later.
revisionOf(PROGRAM.href)

/** The process that serves the Workers of one environment, as the one that deploys knows it. */
export class ObjectHost {
  readonly #files: ObjectFiles
  #starting: Promise<Note> | undefined
  #misses = 0

  constructor(files: ObjectFiles) {
    this.#files = files
  }

  /** Undefined where none runs. */
  get note(): Note | undefined {
    const note = readNote(this.#files.note)
    return note && isRunning(note) ? note : undefined
  }

  /** Whether it runs, is of this version of Muster, and has that release ready on that port. One that answers nothing for several looks is ended. */
  async has(id: string, port: number | undefined): Promise<boolean> {
    const { note } = this
    if (!note) return false
    try {
      const state = await this.#ask(note, 'state', {}, PROTOCOL.state.answer, LOOK_MS)
      this.#misses = 0
      const isCurrent = state.revision === revisionOf(PROGRAM.href)
      return isCurrent && state.versions.some((one) => one.id === id && one.port === port)
    } catch (error) {
      if (isGone(error)) return false
      if (++this.#misses < MISSES) throw error
      this.#misses = 0
      await this.#ended(note)
      return false
    }
  }

  /** Keeps a release ready; a process is started where none runs, or one of another version. @param miniflare the folder of its package @throws UserError where it cannot be served */
  async load(version: Version, miniflare: string): Promise<Note> {
    const load = async () => {
      const note = await this.#current(miniflare)
      return { note, ...(await this.#ask(note, 'load', { version }, PROTOCOL.load.answer, loadMs(version))) }
    }
    const { note, error, isSick } = await load().catch((failed: unknown) => {
      if (isGone(failed)) return load()
      throw failed
    })
    if (error !== undefined) throw isSick ? new UserError('not_healthy', error) : notServed(error)
    return note
  }

  /** Nothing, where it is not there. What a process that was killed has left is ended. */
  async unload(id: string): Promise<void> {
    const { note } = this
    if (!note) return endRuntime(this.#files.runtime)
    await this.#ask(note, 'unload', { id }, PROTOCOL.unload.answer).catch((error: unknown) => {
      if (!isGone(error)) throw error
    })
  }

  /** Whose the objects are from now on. @throws UserError where that cannot be: then it is as it was */
  async lead(lead: Lead): Promise<void> {
    const { note } = this
    if (!note) throw new Error('nothing serves the Workers of this environment')
    const { error } = await this.#ask(note, 'lead', lead, PROTOCOL.lead.answer)
    if (error !== undefined) throw notServed(error)
  }

  /** How many objects of each class run which release; nothing, where none runs. */
  async objects(): Promise<readonly Standing[]> {
    const { note } = this
    return note ? (await this.#ask(note, 'objects', {}, PROTOCOL.objects.answer, LOOK_MS)).standing : []
  }

  #ask<T>(note: Note, operation: Operation, ask: unknown, answer: z.ZodType<T>, ms = CHANGE_MS): Promise<T> {
    return asked({ ...note, file: this.#files.note }, operation, ask, answer, ms)
  }

  /** The one that runs, of this version. */
  async #current(miniflare: string): Promise<Note> {
    const { note } = this
    if (note) {
      const state = await this.#ask(note, 'state', {}, PROTOCOL.state.answer, LOOK_MS).catch(() => undefined)
      if (state?.revision === revisionOf(PROGRAM.href)) return note
      await this.#ended(note)
    }
    return (this.#starting ??= this.#start(miniflare).finally(() => (this.#starting = undefined)))
  }

  /** Whatever it does. */
  async #ended(note: Note): Promise<void> {
    const until = Date.now() + ENDS_MS
    for (let signal: NodeJS.Signals = 'SIGTERM'; isRunning(note); signal = Date.now() < until ? 'SIGTERM' : 'SIGKILL') {
      try {
        process.kill(note.pid, signal)
      } catch {
        break
      }
      await pause()
    }
    await endRuntime(this.#files.runtime)
  }

  #start(miniflare: string): Promise<Note> {
    const { folder, note, log } = this.#files
    const file = fileURLToPath(PROGRAM)
    return startedProgram({ name: 'the host of the Workers', file, args: [folder, miniflare], note, log })
  }
}

/** It is tried for as long as it may take to be healthy. */
function loadMs({ healthSeconds }: Version): number {
  return CHANGE_MS + healthSeconds * 1000
}

/** It ends at this moment, or has ended. */
function isGone(error: unknown): boolean {
  return error instanceof Gone || isReset(error)
}

function notServed(why: string): UserError {
  const isBundle = /resolve|parse|import|dependency/i.test(why)
  return new UserError('start_failed', `workerd does not take the Worker: ${why}`, {
    ...(isBundle && { hint: 'Is it one bundle, as `wrangler deploy --dry-run --outdir dist` makes it?' }),
  })
}
