import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const ENTRY = fileURLToPath(new URL('./process.ts', import.meta.url))

export type Kind = 'start' | 'web' | 'worker'

interface Own {
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
  readonly env: Readonly<Record<string, string>>
}

/** The variables of a process under test. */
export function environmentOf(kind: Kind, port: number, { databaseUrl, redisUrl, env }: Own): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/tmp',
    MUSTER_TEST_KIND: kind,
    PORT: String(port),
    HOST: '127.0.0.1',
    MUSTER_SANDBOX: 'none',
    LOG_LEVEL: 'warn',
    ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
    ...env,
  }
}

/** @returns the memory a process has resident, MB; 0 once it has ended */
export function residentMegabytes(pid: number | undefined): number {
  const file = `/proc/${pid}/status`
  const status = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** @returns the processes that a process has started and that still live */
export function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return text === '' ? [] : text.split(' ').map(Number)
}

/** A process of Muster under a supervisor that starts it again. */
export class Managed {
  readonly kind: Kind
  readonly port: number
  readonly #env: Record<string, string>
  readonly logFile: string
  #child: ChildProcess | undefined
  #stopping = false
  crashes = 0
  /** How it ended each time, and what it said last. */
  readonly ends: string[] = []

  constructor(kind: Kind, port: number, env: Record<string, string>, log: string) {
    this.kind = kind
    this.port = port
    this.#env = env
    this.logFile = log
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** @param once variables of this start only */
  spawn(once: Readonly<Record<string, string>> = {}): void {
    const log = openSync(this.logFile, 'a')
    const child = spawn(process.execPath, ['--no-warnings', '--expose-gc', ENTRY], {
      env: { ...this.#env, ...once },
      cwd: dirname(this.logFile),
      stdio: ['ignore', log, log],
    })
    this.#child = child
    child.once('exit', (code, signal) => {
      if (this.#stopping || this.#child !== child) return
      this.crashes++
      this.ends.push(`${code ?? signal}: ${readFileSync(this.logFile, 'utf8').slice(-2000)}`)
      setTimeout(() => this.#stopping || this.spawn(), 50)
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  async ready(): Promise<void> {
    if (this.kind === 'worker') return
    const until = Date.now() + 180_000
    while (Date.now() < until) {
      const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      await new Promise((done) => setTimeout(done, 50))
    }
    throw new Error(`a process did not become ready; its log is ${this.logFile}`)
  }

  /** @returns how long it took, ms */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.#stopping = true
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return 0
    const started = performance.now()
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGCONT')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(timer)
    return performance.now() - started
  }
}
