import { Worker } from 'node:worker_threads'
import type { Ranked } from '../../core/symbols.ts'
import type { Answer, Question, Text } from './types.ts'

/** So long one question may take (a chunk of files is read in some seconds on a busy machine). */
const PATIENCE_MS = 120_000
/** The thread is ended when nothing was asked for so long: it has megabytes of grammars. */
const IDLE_MS = 2 * 60_000
/** Of what it holds in JavaScript; it ends alone, and so does what waits for it. */
const LIMITS = { maxOldGenerationSizeMb: 1024 }

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The thread that reads the files of one repository and ranks them: begun when it is asked, and anew where it has ended. It is the boundary
 * of this seam: what comes from the thread, `worker.ts` sent.
 */
export class Reader {
  readonly #file: string
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #next = 0
  readonly #waiting = new Map<number, Waiting>()

  /** @param file where what is known is kept */
  constructor(file: string) {
    this.#file = file
  }

  async missing(blobs: readonly string[]): Promise<readonly string[]> {
    return (await this.#ask({ kind: 'missing', blobs })) as readonly string[]
  }

  async read(texts: readonly Text[]): Promise<void> {
    await this.#ask({ kind: 'read', texts })
  }

  async rank(asked: Omit<Extract<Question, { kind: 'rank' }>, 'kind'>): Promise<readonly Ranked[]> {
    return (await this.#ask({ kind: 'rank', ...asked })) as readonly Ranked[]
  }

  /** What waits for it is told so. */
  end(): void {
    void this.#end(new Error('the thread is ended'))
  }

  #ask(question: Question): Promise<unknown> {
    const worker = (this.#worker ??= this.#begin())
    const id = ++this.#next
    this.#rest()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => void this.#end(new Error('files could not be read in time')), PATIENCE_MS).unref()
      const settled = () => clearTimeout(timer)
      this.#waiting.set(id, {
        resolve: (value) => (settled(), resolve(value)),
        reject: (error) => (settled(), reject(error)),
      })
      worker.postMessage({ id, question })
    })
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#file,
      resourceLimits: LIMITS,
      // Nothing of a parser's gets among what this process prints.
      stdout: true,
    })
    // What is still read when the process wants to end is read another time.
    worker.unref()
    worker.on('message', ({ id, value, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    const ended = (error: unknown) =>
      void this.#end(error instanceof Error ? error : new Error('the thread has ended'), worker)
    worker.once('error', ended)
    worker.once('exit', ended)
    return worker
  }

  #rest(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      if (this.#waiting.size > 0) this.#rest()
      else void this.#end(new Error('the thread was not needed'))
    }, IDLE_MS).unref()
  }

  #end(error: Error, worker = this.#worker): Promise<unknown> | undefined {
    if (worker !== this.#worker) return undefined
    this.#worker = undefined
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    return worker?.terminate()
  }
}
