import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Stage, unusedPort } from './stage.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const READY_MS = 60_000

/** The real server, in a process of its own, started as an operator would start it. */
export class ServerChild {
  readonly url: string
  readonly logFile: string
  readonly #env: Record<string, string>
  #child: ChildProcess | undefined
  #stopping = false
  /** How often it had to be started again because it died. */
  restarts = 0

  private constructor(stage: Stage, port: number, extra: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`
    this.logFile = join(stage.dir, 'server.log')
    const { app } = stage.world
    this.#env = {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: process.env['HOME'] ?? '/tmp',
      PORT: String(port),
      HOST: '127.0.0.1',
      MUSTER_DATA: join(stage.dir, 'data'),
      MUSTER_PUBLIC_URL: this.url,
      APP_ID: String(app.id),
      PRIVATE_KEY: app.privateKey,
      WEBHOOK_SECRET: app.webhookSecret,
      GITHUB_API_URL: `${stage.github.url}/api/v3`,
      GITHUB_SERVER_URL: stage.github.url,
      MUSTER_RELEASES_AT_STOP: 'stop',
      LOG_LEVEL: 'info',
      ...extra,
    }
    app.webhookUrl = `${this.url}/api/github/webhooks`
  }

  /** Starts the server and waits until it is ready. */
  static async start(stage: Stage, extra: Readonly<Record<string, string>>): Promise<ServerChild> {
    const child = new ServerChild(stage, await unusedPort(), extra)
    child.#spawn()
    await child.ready()
    return child
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  #spawn(): void {
    const log = openSync(this.logFile, 'a')
    // In a folder of its own: no .env of whoever runs the rehearsal is read.
    const child = spawn(process.execPath, ['--no-warnings', MAIN, 'start'], {
      env: this.#env,
      cwd: dirname(this.logFile),
      stdio: ['ignore', log, log],
    })
    this.#child = child
    child.once('exit', () => {
      if (this.#stopping || this.#child !== child) return
      // As a supervisor would.
      this.restarts++
      setTimeout(() => this.#stopping || this.#spawn(), 200)
    })
  }

  async ready(): Promise<void> {
    const until = Date.now() + READY_MS
    while (Date.now() < until) {
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined)
      if (answer?.ok) return
      if (this.restarts > 20) break
      await new Promise((done) => setTimeout(done, 100))
    }
    throw new Error(`the server did not become ready; its log is ${this.logFile}`)
  }

  /** Ends the process at once, as a power cut would; the supervisor starts it again. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1${path}`, { signal: AbortSignal.timeout(10_000) })
    return answer.json()
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
