import { appendFile } from 'node:fs/promises'
import { UserError } from '../../core/errors.ts'
import { run } from '../../workspace/spawn.ts'
import { secretsOf } from '../secrets.ts'
import type { ReleaseCommand, ReleaseRow, TargetDeps } from '../types.ts'
import { buildLog, serviceLog } from './log.ts'
import { isAlive, serviceEnv, type Started, startService, stopService } from './process.ts'
import type { Preparing, Runner } from './runner.ts'
import { localSettings } from './settings.ts'

const BUILD_MS = 15 * 60_000
/** How long a service has to end by itself; ms. */
const STOP_MS = 5_000

/** Releases as processes of this machine, found again by pid and start time. */
export function processRunner({ dir, env: own }: Pick<TargetDeps, 'dir' | 'env'>): Runner {
  return {
    async prepare(row, preparing) {
      const { build: how, start } = localSettings(preparing.settings)
      return { ...row, command: await built(dir, row, preparing, how, start) }
    },
    async start(row, port) {
      // Asked for at each start: what the operator allows no more is given no more.
      const env = { ...secretsOf(row, own), ...serviceEnv(port, row.command) }
      const { pid, tick } = await startService(row.command.start, row.dir, serviceLog(dir, row.id), env)
      return { ...row, pid, startedTick: tick }
    },
    async isAlive(row) {
      const started = startedOf(row)
      return started !== undefined && isAlive(started)
    },
    async stop(row) {
      const started = startedOf(row)
      if (started) await stopService(started, STOP_MS)
    },
    forget: async () => {},
  }
}

/**
 * Builds a release from its files, with the versions that its tests were proved with; what is not quite there stands in its log.
 * @param dir the data folder @param start what it is started with; empty for none @returns how it is started @throws UserError
 */
export async function built(
  dir: string,
  row: ReleaseRow,
  { tools, unpack, signal }: Preparing,
  how: string | undefined,
  start: string,
): Promise<ReleaseCommand> {
  await unpack(row.dir)
  const { path, env, notes } = await tools([how ?? '', start])
  for (const note of notes) await appendFile(serviceLog(dir, row.id), `muster: ${note}\n`, { mode: 0o600 })
  const command = { ...row.command, start, path, env: { ...env, ...row.command.env } }
  if (how) await build(how, row.dir, buildLog(dir, row.id), command, signal)
  return command
}

function startedOf({ pid, startedTick: tick }: ReleaseRow): Started | undefined {
  return pid === undefined ? undefined : { pid, tick }
}

async function build(
  how: string,
  dir: string,
  log: string,
  command: Pick<ReleaseCommand, 'env' | 'path'>,
  signal: AbortSignal,
): Promise<void> {
  const result = await run('/bin/sh', ['-c', `{ ${how}\n} > "$0" 2>&1`, log], {
    cwd: dir,
    env: serviceEnv(0, command),
    timeoutMs: BUILD_MS,
    signal,
  })
  if (result.exitCode !== 0) throw new UserError('build_failed', `The build failed (exit code ${result.exitCode}).`)
}
