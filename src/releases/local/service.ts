import { UserError } from '../../core/errors.ts'
import { run } from '../../workspace/spawn.ts'
import type { ReleaseCommand, ReleaseRow } from '../types.ts'
import { BUILD_LOG } from './log.ts'
import { isAlive, serviceEnv, type Started, stopService } from './process.ts'

/** What is done with one release on this machine: built, asked for its health, stopped. */

/** How long a service has to end by itself; ms. */
export const STOP_MS = 5_000
const BUILD_MS = 15 * 60_000

export function startedOf(row: ReleaseRow): Started | undefined {
  return row.pid === undefined ? undefined : { pid: row.pid, tick: row.startedTick }
}

/** Those that have served, the one that did last first. */
export function byLastServed(rows: readonly ReleaseRow[]): ReleaseRow[] {
  const at = ({ liveAt }: ReleaseRow) => liveAt?.getTime() ?? 0
  return rows.filter(({ liveAt }) => liveAt !== undefined).toSorted((a, b) => at(b) - at(a))
}

/** Whether it still runs, and answers. */
export async function isWarm(row: ReleaseRow): Promise<boolean> {
  const started = startedOf(row)
  if (!started || row.port === undefined || !isAlive(started)) return false
  return healthy(`http://127.0.0.1:${row.port}${row.command.health}`)
}

export async function stopRow(row: ReleaseRow): Promise<void> {
  const started = startedOf(row)
  if (started) await stopService(started, STOP_MS)
}

export async function build(
  how: string,
  dir: string,
  command: Pick<ReleaseCommand, 'env' | 'path'>,
  signal: AbortSignal,
): Promise<void> {
  const result = await run('/bin/sh', ['-c', `{ ${how}\n} > ${BUILD_LOG} 2>&1`], {
    cwd: dir,
    env: serviceEnv(0, command),
    timeoutMs: BUILD_MS,
    signal,
  })
  if (result.exitCode !== 0) throw new UserError('build_failed', `The build failed (exit code ${result.exitCode}).`)
}

export async function untilHealthy(
  started: Started,
  url: string,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const until = Date.now() + seconds * 1000
  while (Date.now() < until) {
    signal?.throwIfAborted()
    if (!isAlive(started)) throw new UserError('start_failed', 'The new release ended right after its start.')
    if (await healthy(url)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new UserError('not_healthy', `The new release was not healthy within ${seconds} s.`)
}

export async function healthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'manual' })).ok
  } catch {
    return false
  }
}
