import type { Readable, Writable } from 'node:stream'
import { NoAnswer, type SandboxCommand } from './types.ts'

/** A program of Muster's that stays in a sandbox for as long as a clone is used: to start one anew for each question costs more than the answer. */

/** Starts it; settles when it has ended. */
export type Start = (command: Pick<SandboxCommand, 'talk' | 'timeoutMs' | 'signal'>) => Promise<unknown>

/** How an answer begins: an object of JSON. Whoever builds the walls has something to say before. */
const ANSWER = '{'
/** Longer answers end it (characters). */
const MAX_ANSWER = 8_000_000
/** A clone is used for some hours at most. */
const LIFE_MS = 12 * 3_600_000

interface Waiting {
  readonly resolve: (line: string) => void
  readonly reject: (error: Error) => void
}

/** Questions are lines, and answers objects of JSON, one a line; one at a time, in turn. Where it has ended, the next question starts it again. */
export class Assistant {
  readonly #start: Start
  #input: Writable | undefined
  #over = new AbortController()
  #waiting: Waiting | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(start: Start) {
    this.#start = start
  }

  /** @throws Error where it ends, or the time is up, before it answers */
  ask(question: string, timeoutMs: number): Promise<string> {
    const answer = this.#turn.then(() => this.#asked(question, timeoutMs))
    this.#turn = answer.catch(() => {})
    return answer
  }

  async close(): Promise<void> {
    this.#input?.end()
    this.#end(new Error('the clone is closed'))
    await this.#turn
  }

  #asked(question: string, timeoutMs: number): Promise<string> {
    const timer = setTimeout(() => this.#end(new NoAnswer('no answer in time')), timeoutMs)
    const answered = new Promise<string>((resolve, reject) => (this.#waiting = { resolve, reject }))
    // The walls are built first.
    if (this.#input) this.#input.write(`${question}\n`)
    else this.#begin(question)
    return answered.finally(() => {
      clearTimeout(timer)
      this.#waiting = undefined
    })
  }

  #begin(question: string): void {
    const over = new AbortController()
    this.#over = over
    const talk = ({ input, output }: { input: Writable; output: Readable }) => {
      if (over.signal.aborted) return
      this.#input = input
      input.on('error', () => {})
      input.write(`${question}\n`)
      this.#listen(output, over.signal)
    }
    const ended = (error: unknown) => {
      // What was ended on purpose has told so already.
      if (this.#over === over) this.#end(error instanceof Error ? error : new NoAnswer('it has ended'))
    }
    this.#start({ talk, timeoutMs: LIFE_MS, signal: over.signal }).then(ended, ended)
  }

  #listen(output: Readable, over: AbortSignal): void {
    let text = ''
    output.setEncoding('utf8').on('data', (part: string) => {
      // What one that was ended still says is not for the next question.
      if (over.aborted) return
      text += part
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith(ANSWER)) this.#waiting?.resolve(line)
      if (text.length > MAX_ANSWER) this.#end(new NoAnswer('an answer without an end'))
    })
  }

  #end(error: Error): void {
    this.#input = undefined
    this.#over.abort(error)
    this.#over = new AbortController()
    this.#waiting?.reject(error)
  }
}
