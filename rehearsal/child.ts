import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/core/errors.ts'
import { serverEnv, type Stage, unusedPort } from './stage.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const READY_MS = 300_000
const RESTART_MS = 200
/** A server that has ended so often without once being ready will not be. */
const MOST_STARTS = 3

/** One process under a supervisor that starts it again. */
class Supervised {
  readonly #command: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  readonly #logFile: string
  #child: ChildProcess | undefined
  #stopping = false
  restarts = 0

  constructor(command: readonly string[], env: Readonly<Record<string, string>>, logFile: string) {
    this.#command = command
    this.#env = env
    this.#logFile = logFile
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  spawn(): void {
    const log = openSync(this.#logFile, 'a')
    // In a folder of its own: no .env of whoever runs the rehearsal is read.
    const child = spawn(process.execPath, ['--no-warnings', ...this.#command], {
      env: { ...this.#env },
      cwd: dirname(this.#logFile),
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    child.once('exit', () => {
      if (this.#stopping || this.#child !== child) return
      // As a supervisor would.
      this.restarts++
      setTimeout(() => this.#stopping || this.spawn(), RESTART_MS)
    })
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
  }
}

/** The real server, in processes of its own, started as an operator would start it: one, or (on a database server) a web process and two workers. */
export class ServerChild {
  readonly url: string
  readonly logFile: string
  readonly #processes: readonly Supervised[]
  /** Whether it ever answered. */
  wasReady = false

  private constructor(stage: Stage, port: number, extra: Readonly<Record<string, string>>, main: string) {
    this.url = `http://127.0.0.1:${port}`
    this.logFile = join(stage.dir, 'server.log')
    const { app } = stage.world
    const env = {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: process.env['HOME'] ?? '/tmp',
      ...serverEnv(stage, port),
      LOG_LEVEL: 'info',
      ...stage.team?.env,
      ...extra,
    }
    stage.team?.listen(this.url)
    // An older version knows only the one process.
    const commands = extra['DATABASE_URL'] && main === MAIN ? ['web', 'worker', 'worker'] : ['start']
    this.#processes = commands.map((command) => new Supervised([main, command], env, this.logFile))
    app.webhookUrl = `${this.url}/api/github/webhooks`
  }

  /** Starts the server; it is not ready yet. @param main another version's program */
  static async begin(stage: Stage, extra: Readonly<Record<string, string>>, main = MAIN): Promise<ServerChild> {
    const child = new ServerChild(stage, await unusedPort(), extra, main)
    for (const one of child.#processes) one.spawn()
    return child
  }

  /** Starts the server and waits until it is ready. */
  static async start(stage: Stage, extra: Readonly<Record<string, string>>, main = MAIN): Promise<ServerChild> {
    const child = await ServerChild.begin(stage, extra, main)
    try {
      await child.ready()
      return child
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  get pid(): number | undefined {
    return this.#processes[0]?.pid
  }

  /** How often a process had to be started again because it died. */
  get restarts(): number {
    return this.#processes.reduce((sum, one) => sum + one.restarts, 0)
  }

  /** Waits until the server answers. @throws UserError with the end of its log where it ends by itself, again and again */
  async ready(): Promise<void> {
    const until = Date.now() + READY_MS
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined)
      if (answer?.ok) {
        this.wasReady = true
        return
      }
      if (!this.wasReady && this.#processes.some(({ restarts }) => restarts >= MOST_STARTS)) break
      await new Promise((done) => setTimeout(done, 100))
    }
    const log = readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-15).join('\n')
    throw new UserError('not_ready', `The server did not become ready. Its log ends with:\n${log}`)
  }

  /** Ends a process at once, as a power cut would; the supervisor starts it again. */
  kill(which = 0): void {
    this.#processes[which]?.kill()
  }

  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1${path}`, { signal: AbortSignal.timeout(10_000) })
    return answer.json()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.stop()))
  }
}
