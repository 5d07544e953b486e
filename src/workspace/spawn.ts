import { type ChildProcess, spawn } from 'node:child_process'
import type { RunResult } from './types.ts'

export interface SpawnOptions {
  readonly cwd?: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string | Buffer | undefined
  readonly timeoutMs: number
  readonly maxOutput?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Keeps the first and the last half of a stream, so that memory stays bounded whatever is printed. */
class Tail {
  readonly #max: number
  #head = ''
  #tail = ''
  #dropped = 0
  constructor(max: number) {
    this.#max = max
  }

  add(text: string): void {
    const room = this.#max / 2 - this.#head.length
    this.#head += room > 0 ? text.slice(0, room) : ''
    this.#tail += room > 0 ? text.slice(room) : text
    if (this.#tail.length > this.#max) this.#cut()
  }

  #cut(): void {
    const extra = this.#tail.length - this.#max / 2
    this.#dropped += extra
    this.#tail = this.#tail.slice(extra)
  }

  text(): string {
    if (this.#tail.length > this.#max / 2) this.#cut()
    return this.#dropped > 0
      ? `${this.#head}\n[… ${this.#dropped} characters left out …]\n${this.#tail}`
      : this.#head + this.#tail
  }
}

/**
 * Runs a program to its end, or kills its whole process group when the time is up or the signal comes. Arguments are
 * never joined into a shell string.
 */
export function run(file: string, args: readonly string[], options: SpawnOptions): Promise<RunResult> {
  options.signal?.throwIfAborted()
  const started = performance.now()
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const output = new Tail(options.maxOutput ?? 1_000_000)
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => output.add(text))
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  return new Promise((resolve, reject) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill(child)
    }, options.timeoutMs)
    const abort = () => kill(child)
    options.signal?.addEventListener('abort', abort, { once: true })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', abort)
      if (options.signal?.aborted) return reject(options.signal.reason)
      resolve({
        exitCode: timedOut ? 124 : (code ?? 137),
        timedOut,
        output: output.text(),
        seconds: (performance.now() - started) / 1000,
      })
    })
  })
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself in the meantime.
  }
}
