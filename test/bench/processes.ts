import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { serverEnv, setStage, unusedPort } from '../../rehearsal/stage.ts'
import { residentMegabytes } from '../faults/support/processes.ts'
import { percentile } from '../faults/support/suite.ts'

/** What a web process and a worker take while nothing happens, on PostgreSQL and Redis, and how soon a worker works. */
export interface Processes {
  readonly webMb: number
  readonly workerMb: number
  readonly workerReadyMs: number
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const IDLE_MS = 10_000
const STARTS = 5

export async function measureProcesses(databaseUrl: string, redisUrl: string): Promise<Processes> {
  const stage = await setStage()
  const port = await unusedPort()
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/tmp',
    ...serverEnv(stage, port),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    MUSTER_SANDBOX: 'none',
    MUSTER_API_TOKEN: 'a-token-for-the-bench-only',
  }
  const web = begin('web', env, stage.dir)
  try {
    await said(web, 'Muster is up')
    const times: number[] = []
    let workerMb = 0
    for (let run = 0; run < STARTS; run++) {
      const started = performance.now()
      const worker = begin('worker', env, stage.dir)
      await said(worker, 'the worker is up')
      times.push(performance.now() - started)
      if (run === STARTS - 1) {
        await new Promise((done) => setTimeout(done, IDLE_MS))
        workerMb = residentMegabytes(worker.pid)
      }
      await ended(worker)
    }
    const webMb = residentMegabytes(web.pid)
    return {
      webMb: Math.round(webMb),
      workerMb: Math.round(workerMb),
      workerReadyMs: Math.round(percentile(times, 0.5)),
    }
  } finally {
    await ended(web)
    await stage.close()
  }
}

function begin(kind: 'web' | 'worker', env: Readonly<Record<string, string>>, cwd: string): ChildProcess {
  return spawn(process.execPath, ['--no-warnings', MAIN, kind], { env, cwd, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Waits until a line of its log says something. */
async function said({ stdout }: ChildProcess, text: string): Promise<void> {
  if (!stdout) throw new Error('no log')
  let seen = ''
  await new Promise<void>((done, failed) => {
    stdout.on('data', (part: Buffer) => {
      seen = (seen + String(part)).slice(-20_000)
      if (seen.includes(text)) done()
    })
    stdout.once('close', () => failed(new Error(`it ended without saying "${text}": ${seen.slice(-2000)}`)))
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  await gone
}
