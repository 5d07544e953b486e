import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestDatabase } from './databases.ts'
import type { Stage } from './sharing.ts'

const PROGRAM = fileURLToPath(new URL('sharing.ts', import.meta.url))

/** Has a process deploy one release after the other, and kills it after so long. */
export async function killedAfter(
  ms: number,
  round: number,
  stage: Stage,
  db: TestDatabase,
  dir: string,
): Promise<void> {
  const args = ['--no-warnings', PROGRAM, JSON.stringify(stage), db.url ?? '', dir, String(round)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((ready) => child.stdout.once('data', ready))
  await new Promise((done) => setTimeout(done, ms))
  child.kill('SIGKILL')
  await new Promise((gone) =>
    child.exitCode !== null || child.signalCode !== null ? gone(0) : child.once('exit', gone),
  )
}
