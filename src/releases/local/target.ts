import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { ReleaseRow, ReleaseStore } from '../../store/types.ts'
import { run } from '../../workspace/spawn.ts'
import type { ApplyInput, Place, Target } from '../types.ts'
import { freePort, isAlive, serviceEnv, type Started, startService, stopService, tailOf } from './process.ts'
import { EnvironmentProxy } from './proxy.ts'

const KEEP_RELEASES = 5
const DRAIN_MS = 10_000
const STOP_MS = 5_000
const BUILD_MS = 15 * 60_000
const SUPERVISE_MS = 2_000
const MAX_RESTART_PAUSE_MS = 60_000

export interface LocalOptions {
  readonly dir: string
  readonly store: ReleaseStore
  /** The address on which environments are served. */
  readonly host: string
  readonly publicHost: string
  readonly redact: (text: string) => string
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** The local-process target, with the means to take up again what an earlier process left running. */
export interface LocalTarget extends Target {
  /** Finds the live releases again by pid and start time, and serves them; starts those that died. */
  adopt(): Promise<void>
  /** Stops the proxies; releases keep running unless `stopReleases`. */
  close(stopReleases: boolean): Promise<void>
}

/** Deploys onto this machine: unpack, build, start on a free port, health, switch the proxy, drain and stop the old one. */
export function localTarget(options: LocalOptions): LocalTarget {
  const { store, dir, log } = options
  const proxies = new Map<string, EnvironmentProxy>()
  const restarts = new Map<string, { failures: number; after: number }>()
  const logFile = (id: string) => join(dir, 'releases', id, 'service.log')
  const key = (place: Pick<Place, 'repository' | 'environment'>) => `${place.repository} ${place.environment}`

  async function proxyFor(row: ReleaseRow): Promise<EnvironmentProxy> {
    const known = proxies.get(key(row))
    if (known) return known
    const proxy = new EnvironmentProxy((sha, samples) => {
      store
        .addSamples(row.repository, row.environment, sha, samples)
        .catch((error: unknown) => log('traffic not saved', { error: String(error) }))
    })
    await proxy.listen(row.command.publicPort, options.host)
    proxies.set(key(row), proxy)
    return proxy
  }

  async function start(row: ReleaseRow, healthSeconds: number, signal?: AbortSignal): Promise<ReleaseRow> {
    const port = await freePort()
    const started = await startService(row.command.start, row.dir, logFile(row.id), serviceEnv(port, row.command.env))
    const starting: ReleaseRow = { ...row, status: 'starting', port, pid: started.pid, startedTick: started.tick }
    await store.save(starting)
    try {
      await untilHealthy(started, `http://127.0.0.1:${port}${row.command.health}`, healthSeconds, signal)
      return starting
    } catch (error) {
      await stopService(started, STOP_MS)
      throw error
    }
  }

  async function goLive(row: ReleaseRow): Promise<void> {
    const proxy = await proxyFor(row)
    const old = (await store.list(row.repository, row.environment)).filter(
      (other) => other.status === 'live' && other.id !== row.id,
    )
    await store.save({ ...row, status: 'live', liveAt: new Date() })
    const { drain } = proxy.switchTo(row.sha, row.port ?? 0)
    for (const other of old) await store.save({ ...other, status: 'retired' })
    await drain(DRAIN_MS)
    await Promise.all(old.map((other) => stopRow(other)))
    await forgetOld(row)
  }

  /** Keeps the folders of the newest releases only. */
  async function forgetOld(row: ReleaseRow): Promise<void> {
    const rows = await store.list(row.repository, row.environment)
    for (const other of rows.slice(KEEP_RELEASES))
      if (other.status !== 'live') await rm(join(dir, 'releases', other.id), { recursive: true, force: true })
  }

  async function apply(input: ApplyInput): Promise<void> {
    const { place, releaseId: id, sha, taskId, signal } = input
    const files = join(dir, 'releases', id, 'files')
    await stopUnfinished(id)
    await rm(join(dir, 'releases', id), { recursive: true, force: true })
    await mkdir(files, { recursive: true })
    const { settings } = place
    const command = { start: settings.start, health: settings.health, publicPort: settings.port, env: settings.env }
    const row: ReleaseRow = {
      id,
      repository: place.repository,
      environment: place.environment,
      sha,
      taskId,
      status: 'building',
      port: undefined,
      pid: undefined,
      startedTick: undefined,
      dir: files,
      command,
      detail: undefined,
      liveAt: undefined,
    }
    await store.save(row)
    try {
      await input.unpack(files)
      if (settings.build) await build(settings.build, files, settings.env, signal)
      await proxyFor(row)
      await goLive(await start(row, settings.healthTimeoutSeconds, signal))
    } catch (error) {
      await store.save({
        ...row,
        status: 'failed',
        detail: error instanceof UserError ? error.message : 'an unexpected error',
      })
      throw error
    }
  }

  async function stopUnfinished(id: string): Promise<void> {
    const row = await store.get(id)
    if (row && row.status !== 'live') await stopRow(row)
  }

  /** Restarts a live release that died, with growing pauses. */
  async function supervise(): Promise<void> {
    for (const row of await store.allLive()) {
      const started = startedOf(row)
      const pause = restarts.get(row.id) ?? { failures: 0, after: 0 }
      if (!started || isAlive(started) || Date.now() < pause.after) continue
      log('a live release died; it is started again', { release: row.id })
      try {
        const again = await start(row, 30)
        await store.save({ ...again, status: 'live' })
        ;(await proxyFor(again)).switchTo(again.sha, again.port ?? 0)
        restarts.delete(row.id)
      } catch (error) {
        await store.save(row)
        const failures = pause.failures + 1
        restarts.set(row.id, { failures, after: Date.now() + Math.min(MAX_RESTART_PAUSE_MS, 1000 * 2 ** failures) })
        log('the release could not be started again', { release: row.id, error: String(error) })
      }
    }
  }

  let timer: NodeJS.Timeout | undefined
  let supervising: Promise<void> | undefined
  return {
    name: 'local process',
    url: ({ settings }) => `http://${options.publicHost}:${settings.port}`,
    current: async (place) => (await store.live(place.repository, place.environment))?.sha,
    async observe(id) {
      const row = await store.get(id)
      if (!row) return { state: 'absent' }
      if (row.status === 'live' || row.status === 'retired') return { state: 'live' }
      return row.status === 'failed' ? { state: 'failed', error: row.detail ?? 'it failed' } : { state: 'unfinished' }
    },
    apply,
    log: async (id) =>
      options.redact(
        (await tailOf(join(dir, 'releases', id, 'files', '.muster-build.log'))) + (await tailOf(logFile(id))),
      ),
    probe: async ({ settings }) => healthy(`http://127.0.0.1:${settings.port}${settings.health}`),
    async adopt() {
      for (const row of await store.allLive()) {
        try {
          const proxy = await proxyFor(row)
          if (row.port) proxy.switchTo(row.sha, row.port)
        } catch (error) {
          log('a live release cannot be served', { release: row.id, error: String(error) })
        }
      }
      await supervise()
      timer = setInterval(() => {
        supervising ??= supervise()
          .catch((error: unknown) => log('supervision failed', { error: String(error) }))
          .finally(() => (supervising = undefined))
      }, SUPERVISE_MS)
      timer.unref()
    },
    async close(stopReleases) {
      clearInterval(timer)
      await supervising
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()))
      if (stopReleases) await Promise.all((await store.allLive()).map(stopRow))
    },
  }
}

function startedOf(row: ReleaseRow): Started | undefined {
  return row.pid === undefined ? undefined : { pid: row.pid, tick: row.startedTick }
}

async function stopRow(row: ReleaseRow): Promise<void> {
  const started = startedOf(row)
  if (started) await stopService(started, STOP_MS)
}

async function build(
  command: string,
  dir: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const result = await run('/bin/sh', ['-c', `{ ${command}\n} > .muster-build.log 2>&1`], {
    cwd: dir,
    env: serviceEnv(0, env),
    timeoutMs: BUILD_MS,
    signal,
  })
  if (result.exitCode !== 0) throw new UserError('build_failed', `The build failed (exit code ${result.exitCode}).`)
}

async function untilHealthy(
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

async function healthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000), redirect: 'manual' })).ok
  } catch {
    return false
  }
}
