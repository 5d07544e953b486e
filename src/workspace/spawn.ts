import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import type { RunResult, SandboxCommand } from './types.ts'

export interface SpawnOptions {
  readonly cwd?: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string | Buffer | undefined
  /** Its standard input stays open for as long as this process has it: a program that watches it knows when that has ended. */
  readonly keepsStdin?: boolean | undefined
  /** Given its input and output, which are not kept then. */
  readonly talk?: SandboxCommand['talk']
  /** What the program reads from its file descriptors 3, 4 … */
  readonly inputs?: readonly Buffer[] | undefined
  readonly timeoutMs: number
  readonly maxOutput?: number | undefined
  /** What it prints is no text: it is given back with one character a byte. */
  readonly isBinary?: boolean | undefined
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
    stdio: ['pipe', 'pipe', 'pipe', ...(options.inputs ?? []).map(() => 'pipe' as const), ...covered(options)],
    detached: true,
  })
  const output = new Tail(options.maxOutput ?? 1_000_000)
  const heard = options.talk ? [child.stderr] : [child.stdout, child.stderr]
  for (const stream of heard)
    stream?.setEncoding(options.isBinary ? 'latin1' : 'utf8').on('data', (text: string) => output.add(text))
  // A program that ends before it has read everything is no error of whoever writes.
  if (options.talk) child.stdin?.on('error', () => {})
  if (options.talk && child.stdin && child.stdout) options.talk({ input: child.stdin, output: child.stdout })
  else if (!options.keepsStdin) feed(child, 0, options.stdin ?? '')
  options.inputs?.forEach((input, index) => feed(child, index + 3, input))
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

/**
 * What this process was itself started with and never opened (a shell's, a supervisor's) would be handed on to every child, and
 * into the sandbox: `/dev/null` takes its place. Node's own descriptors are closed in a child by themselves.
 */
function covered({ inputs = [] }: SpawnOptions): (number | 'ignore')[] {
  const first = 3 + inputs.length
  const { numbers, nothing } = (inherited ??= findInherited())
  const last = Math.max(first - 1, ...numbers)
  return Array.from({ length: last - first + 1 }, (_, index) => (numbers.has(first + index) ? nothing : 'ignore'))
}

let inherited: { readonly numbers: ReadonlySet<number>; readonly nothing: number } | undefined

const CLOSE_ON_EXEC = 0o2000000

function findInherited() {
  const open = readdirSync('/proc/self/fd').map(Number)
  const numbers = new Set(open.filter((number) => number > 2 && !isClosedOnExec(number)))
  return { numbers, nothing: openSync('/dev/null', 'r') }
}

function isClosedOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0
  } catch {
    return true
  }
}

function feed(child: ChildProcess, descriptor: number, input: string | Buffer): void {
  const stream = child.stdio[descriptor]
  if (!(stream instanceof Writable)) throw new Error(`there is no file descriptor ${descriptor}`)
  stream.on('error', () => {})
  stream.end(input)
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself in the meantime.
  }
}

/** Removes a folder with all that is in it, however deep it goes (Node's own stops where a path gets too long). */
export async function removeTree(dir: string): Promise<void> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin' }
  await run('rm', ['-rf', '--one-file-system', '--', dir], { env, timeoutMs: 10 * 60_000 })
}
