import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { UserError } from '../../../core/errors.ts'
import { asked, Gone } from '../beside/ask.ts'
import { isRunning, type Note, readNote } from '../beside/note.ts'
import { startedProgram } from '../beside/start.ts'
import { type Lead, type ObjectFiles, type Operation, PROTOCOL, type Version } from './protocol.ts'

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url))
/** A change waits for what is under way, and for the runtime to begin anew. */
const CHANGE_MS = 3 * 60_000

/** The process that serves the Workers of one environment, as the one that deploys knows it. */
export class ObjectHost {
  readonly #files: ObjectFiles
  #starting: Promise<Note> | undefined

  constructor(files: ObjectFiles) {
    this.#files = files
  }

  /** Undefined where none runs. */
  get note(): Note | undefined {
    const note = readNote(this.#files.note)
    return note && isRunning(note) ? note : undefined
  }

  /** Whether it runs, and has that release ready. */
  async has(id: string): Promise<boolean> {
    const { note } = this
    if (!note) return false
    try {
      const { versions } = await this.#ask(note, 'state', {}, PROTOCOL.state.answer)
      return versions.some((one) => one.id === id)
    } catch (error) {
      if (error instanceof Gone) return false
      throw error
    }
  }

  /** Keeps a release ready; a process is started where none runs. @param miniflare the folder of its package @throws UserError where it cannot be served */
  async load(version: Version, miniflare: string): Promise<Note> {
    const load = async () => {
      const note =
        this.note ?? (await (this.#starting ??= this.#start(miniflare).finally(() => (this.#starting = undefined))))
      return { note, ...(await this.#ask(note, 'load', { version }, PROTOCOL.load.answer)) }
    }
    const { note, error } = await load().catch((failed: unknown) => {
      if (failed instanceof Gone) return load()
      throw failed
    })
    if (error !== undefined) throw notServed(error)
    return note
  }

  /** Nothing, where it is not there. */
  async unload(id: string): Promise<void> {
    const { note } = this
    if (!note) return
    await this.#ask(note, 'unload', { id }, PROTOCOL.unload.answer).catch((error: unknown) => {
      if (!(error instanceof Gone)) throw error
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
  async objects(): Promise<z.infer<(typeof PROTOCOL)['objects']['answer']>['standing']> {
    const { note } = this
    if (!note) return []
    return (await this.#ask(note, 'objects', {}, PROTOCOL.objects.answer)).standing
  }

  #ask<T>(note: Note, operation: Operation, ask: unknown, answer: z.ZodType<T>): Promise<T> {
    return asked({ ...note, file: this.#files.note }, operation, ask, answer, CHANGE_MS)
  }

  #start(miniflare: string): Promise<Note> {
    const { folder, note, log } = this.#files
    return startedProgram({ name: 'the host of the Workers', file: PROGRAM, args: [folder, miniflare], note, log })
  }
}

function notServed(why: string): UserError {
  return new UserError('start_failed', `workerd does not take the Worker: ${why}`, {
    hint: 'Is it one bundle, as `wrangler deploy --dry-run --outdir dist` makes it?',
  })
}
