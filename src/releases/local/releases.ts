import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byLastServed, KEEP_FAILED, KEEP_RELEASES } from '../rows.ts'
import type { Environment, ReleaseRow, TargetDeps } from '../types.ts'
import { containerRunner } from './containers.ts'
import { isWarm, untilHealthy } from './health.ts'
import { releaseFolder, restartsFile } from './log.ts'
import { objectRunner } from './objects/runner.ts'
import { freePort } from './process.ts'
import { processRunner } from './processes.ts'
import type { Preparing, Runner } from './runner.ts'
import { runsAs } from './settings.ts'

/** The releases of this machine: each by whatever runs it. */
export class Releases {
  readonly #deps: Pick<TargetDeps, 'store' | 'dir'>
  readonly #runners: Readonly<Record<NonNullable<ReleaseRow['command']['runs']>, Runner>>

  constructor(deps: TargetDeps) {
    this.#deps = deps
    this.#runners = { process: processRunner(deps), container: containerRunner(deps), objects: objectRunner(deps) }
  }

  readonly #turns = new Map<string, Promise<unknown>>()

  /** One after the other for each release: whoever starts it and whoever stops it, or starts it too. @param action with what is written down of it by then */
  alone<T>({ id }: ReleaseRow, action: (row: ReleaseRow | undefined) => Promise<T>): Promise<T> {
    const act = async () => action(await this.#deps.store.get(id))
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(act, act)
    this.#turns.set(id, turn)
    return turn.finally(() => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    })
  }

  #runner({ command }: ReleaseRow): Runner {
    return this.#runners[command.runs ?? 'process']
  }

  /** An unfinished try of the same release leaves nothing that counts. */
  async clear(row: ReleaseRow): Promise<void> {
    const known = await this.#deps.store.get(row.id)
    if (known && known.status !== 'live') await this.stop(known)
    await rm(releaseFolder(this.#deps.dir, row.id), { recursive: true, force: true })
    await mkdir(row.dir, { recursive: true })
  }

  prepare(row: ReleaseRow, preparing: Preparing): Promise<ReleaseRow> {
    return this.#runner(row).prepare(row, preparing)
  }

  /**
   * Starts it, and waits until it is healthy.
   * @param note told of it before it is healthy, for what must not be lost sight of
   */
  async start(
    row: ReleaseRow,
    healthSeconds: number,
    signal?: AbortSignal,
    note: (row: ReleaseRow) => Promise<void> = () => Promise.resolve(),
  ): Promise<ReleaseRow> {
    const port = await freePort()
    const starting = { ...(await this.#runner(row).start(row, port, healthSeconds)), port }
    await note(starting)
    try {
      if (!this.#runner(row).isTried) await untilHealthy(this.#runner(row), starting, healthSeconds, signal)
      return starting
    } catch (error) {
      await this.stop(starting)
      throw error
    }
  }

  isAlive(row: ReleaseRow): Promise<boolean> {
    return this.#runner(row).isAlive(row)
  }

  isWarm(row: ReleaseRow): Promise<boolean> {
    const runner = this.#runner(row)
    return runner.isTried ? runner.isAlive(row) : isWarm(runner, row)
  }

  stop(row: ReleaseRow): Promise<void> {
    return this.#runner(row).stop(row)
  }

  /** Who is live, and with which share, for whatever runs it. */
  async lead(live: ReleaseRow, beside: ReleaseRow | undefined): Promise<void> {
    await this.#runner(live).lead?.(live, beside)
  }

  /** What a deploy would change, where whatever runs it can tell. @param unpack the files of the commit */
  async preview(environment: Environment, unpack: (dir: string) => Promise<void>): Promise<readonly string[]> {
    const { preview } = this.#runners[runsAs(environment.settings)]
    if (!preview) return []
    const dir = await mkdtemp(join(tmpdir(), 'muster-preview-'))
    try {
      await unpack(dir)
      return await preview(environment, dir)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  async keepLog(row: ReleaseRow): Promise<void> {
    await this.#runner(row).keepLog?.(row)
  }

  /** That it was started again stands with it. */
  async noteRestart({ id }: ReleaseRow, at: number): Promise<void> {
    await appendFile(restartsFile(this.#deps.dir, id), `${at}\n`, { mode: 0o600 })
  }

  /** How often that was so since a moment; ms since the epoch. */
  async restartsSince(id: string, since: number): Promise<number> {
    const text = await readFile(restartsFile(this.#deps.dir, id), 'utf8').catch(() => '')
    return text.split('\n').filter((line) => line !== '' && Number(line) >= since).length
  }

  async isLive({ id }: ReleaseRow): Promise<boolean> {
    return (await this.#deps.store.get(id))?.status === 'live'
  }

  /** It may have been put back meanwhile. */
  async stopUnlessLive(row: ReleaseRow): Promise<void> {
    if (!(await this.isLive(row))) await this.stop(row)
  }

  /** The live releases whose files are on this machine. */
  async here(): Promise<ReleaseRow[]> {
    return (await this.#deps.store.allLive()).filter((row) => existsSync(row.dir))
  }

  /** Keeps what can be gone back to: the newest that have served. Of what failed, the newest, for its log. */
  async forgetOld(row: ReleaseRow): Promise<void> {
    const rows = await this.#deps.store.list(row.repository, row.environment)
    // By when they served last: what was put back is as new as it gets.
    const served = byLastServed(rows)
    const failed = rows.filter(({ liveAt }) => liveAt === undefined)
    const kept = new Set([...served.slice(0, KEEP_RELEASES), ...rows.filter(({ status }) => status === 'live')])
    for (const other of [...served.slice(KEEP_RELEASES), ...failed.slice(KEEP_FAILED)]) {
      if (kept.has(other) || !existsSync(releaseFolder(this.#deps.dir, other.id))) continue
      await this.#runner(other).forget(other, [...kept])
      await rm(releaseFolder(this.#deps.dir, other.id), { recursive: true, force: true })
    }
  }
}
