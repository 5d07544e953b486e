import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { type Fence, Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseLog } from '../local/log.ts'
import { begunRow, byLastServed, KEEP_RELEASES, NO_SERVICE, observed, servedSince, writeLive } from '../rows.ts'
import { secretsFor, secretsOf } from '../secrets.ts'
import { besideOf, mustBeLive, shareBeside, withPercent } from '../shares.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  PreflightInput,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  TargetHost,
  WeighInput,
} from '../types.ts'
import { Collector } from './collector.ts'
import { Servers } from './servers.ts'
import { sshSettings } from './settings.ts'
import { type Site, Sites } from './sites.ts'

const COLLECT_MS = 2000

/** Containers on another host, behind its HAProxy: the new one on the server that nobody is sent to, then people are sent there. */
export class SshTarget implements Target {
  readonly #deps: TargetDeps
  readonly #sites: Sites
  readonly #collector: Collector
  readonly #servers: Servers
  readonly host: TargetHost
  #timer: NodeJS.Timeout | undefined
  #collecting: Promise<void> | undefined

  constructor(deps: TargetDeps) {
    this.#deps = deps
    this.#sites = new Sites(deps)
    this.#servers = new Servers(deps)
    this.#collector = new Collector(deps.store, deps.now)
    this.host = { adopt: () => this.#adopt(), close: () => this.#close() }
  }

  url({ settings }: Environment): string {
    return sshSettings(settings).url
  }

  /** As HAProxy has it, and the labels of what runs there; where two are given requests, the one that went live last. */
  async current(environment: Environment): Promise<string | undefined> {
    const { store } = this.#deps
    const site = this.#sites.of(environment)
    const given = (await site.backend.servers()).filter(({ weight }) => weight > 0)
    const [most] = given.toSorted((a, b) => b.weight - a.weight)
    if (!most) return undefined
    const live = await store.live(environment.repository, environment.name)
    const its = given.length > 1 ? given.find(({ name }) => name === live?.command.server) : undefined
    const server = (its ?? most).name
    // What has died there is what serves, badly.
    return (await site.machine.shaAt(site.label(server))) ?? (await this.#lastAt(environment, server))?.sha
  }

  async #lastAt({ repository, name }: Environment, server: string): Promise<ReleaseRow | undefined> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows).find(({ command }) => command.server === server)
  }

  async observe(id: string): Promise<Observed> {
    return observed(await this.#deps.store.get(id), 'unfinished')
  }

  async log(id: string): Promise<string> {
    const row = await this.#deps.store.get(id)
    const built = await releaseLog(this.#deps.dir, id, this.#deps.redact)
    if (!row?.command.server) return built
    const site = this.#sites.of({ repository: row.repository, name: row.environment })
    const printed = await site.machine.log(row).catch((error: unknown) => `its log cannot be read: ${messageOf(error)}`)
    return built + this.#deps.redact(printed)
  }

  async probe(environment: Environment, sha?: string): Promise<boolean> {
    const { url, health } = sshSettings(environment.settings)
    if (sha === undefined) return healthy(new URL(health, url).href)
    const live = await this.#deps.store.live(environment.repository, environment.name)
    const row = live?.sha === sha ? live : live && (await besideOf(this.#deps.store, live))
    if (row?.sha !== sha) return false
    const { machine, backend } = this.#sites.of(environment)
    const server = (await backend.servers()).find(({ name }) => name === row.command.server)
    return server !== undefined && machine.answers(server.address, health)
  }

  async samples(environment: Environment, from: number, to: number): Promise<readonly Sample[]> {
    const { store } = this.#deps
    await this.#count(environment)
    return store.samples(environment.repository, environment.name, new Date(from), new Date(to))
  }

  async measuredSince({ repository, name }: Environment, before: number): Promise<number | undefined> {
    return servedSince(await this.#deps.store.list(repository, name), before)
  }

  /** As its engine counts. */
  async restarts(environment: Environment, id: string): Promise<number | undefined> {
    const row = await this.#deps.store.get(id)
    return row && this.#sites.of(environment).machine.restarts(row)
  }

  /** Whether all of it is there, and which server is next. */
  async preflight({ environment }: PreflightInput): Promise<readonly string[]> {
    const { repository, name, settings } = environment
    secretsFor(environment, sshSettings(settings).secrets, this.#deps.env)
    const site = this.#sites.of(environment)
    await site.machine.isThere()
    const live = await this.#deps.store.live(repository, name)
    const next = await this.#servers.next(site, { repository, environment: name })
    const now = live?.command.server
    return [`start it on \`${next.name}\` of \`${site.name}\`${now ? `, beside what is live on \`${now}\`` : ''}`]
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, signal, mayAct, fence } = input
    const { store, env } = this.#deps
    const site = this.#sites.of(environment)
    const known = await store.get(id)
    let row = known ?? (await this.#rowOf(input))
    try {
      // What it may not have is said before anything is done.
      secretsOf(row, env)
      if (!known) await store.save(row)
      row = await this.#servers.up(site, row, input)
      // Whoever lost the work in between changes nothing that people see.
      signal.throwIfAborted()
      mayAct()
      await this.#goLive(site, row, fence)
    } catch (error) {
      // Stopped, or taken over: whoever goes on finds it unfinished.
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await this.#failed(site, row, error)
      throw error
    }
  }

  async #rowOf(input: ApplyInput): Promise<ReleaseRow> {
    const { environment, percent } = input
    const { repository, name, settings } = environment
    const { health, env, secrets } = sshSettings(settings)
    const live = percent === undefined ? undefined : await this.#deps.store.live(repository, name)
    return begunRow(input, { ...NO_SERVICE, health, env, secrets, runs: 'container', ...shareBeside(live, percent) })
  }

  /** People are sent there, then that is written down: whoever ends in between finds it there, and goes on. @throws Fenced */
  async #goLive(site: Site, row: ReleaseRow, fence: Fence): Promise<void> {
    const { store } = this.#deps
    const live = await store.live(row.repository, row.environment)
    const serving = live ? [live, ...(await this.#servers.besides(live))] : []
    await this.#collector.take(serving, () => site.backend.servers(), [row])
    await this.#servers.route(site, row)
    await writeLive(this.#deps, row, fence)
    await this.#tidied(site, row, live).catch((error: unknown) =>
      this.#deps.log('an old release could not be stopped', { error: messageOf(error) }),
    )
  }

  /** What serves and the one before it go on, and those that can be gone back to stay. */
  async #tidied({ machine }: Site, row: ReleaseRow, before: ReleaseRow | undefined): Promise<void> {
    const { store } = this.#deps
    const rows = await store.list(row.repository, row.environment)
    const kept = byLastServed(rows).slice(0, KEEP_RELEASES)
    const stays = new Set([row.id, before?.id, row.command.share?.beside])
    for (const other of rows.filter(({ id }) => !stays.has(id))) {
      const { server, container: image, ...command } = other.command
      const isKept = kept.some(({ id }) => id === other.id)
      if (server !== undefined) await machine.stop(other)
      if (!isKept && image) await machine.forget(other, kept)
      if (server !== undefined || (!isKept && image))
        await store.save({ ...other, command: { ...command, ...(isKept ? { container: image } : {}) } })
    }
  }

  /** Nobody is sent there any more, and what was live is. */
  async #failed(site: Site, row: ReleaseRow, error: unknown): Promise<void> {
    const { store, log } = this.#deps
    const detail = error instanceof UserError ? error.message : 'an unexpected error'
    const live = await store.live(row.repository, row.environment)
    try {
      if (row.command.server !== undefined) {
        if (live) await this.#servers.route(site, live)
        await site.machine.stop(row)
      }
    } catch (failure) {
      log('what failed could not be stopped', { release: row.id, error: messageOf(failure) })
    }
    await store.save({ ...row, status: 'failed', detail })
  }

  async restorable({ repository, name }: Environment): Promise<readonly Restorable[]> {
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .filter(({ status, command }) => status !== 'live' && command.container !== undefined)
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The one before still runs: then people are only sent there. Else it is started from its image. */
  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const kept = await store.get(releaseId)
    if (!kept || kept.liveAt === undefined || !kept.command.container)
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const site = this.#sites.of(environment)
    // It had a share of the requests at last, where it was taken back itself: now it has all.
    const { share: _, ...command } = kept.command
    const own = (await site.backend.servers()).find(({ name }) => name === command.server)
    const whole = { ...kept, command }
    const isWarm = own !== undefined && (await this.#servers.isWarm(site, whole, own))
    const row = isWarm ? whole : await this.#servers.start(site, whole, environment, signal)
    signal.throwIfAborted()
    mayAct()
    if (isWarm) await store.save(row)
    await this.#goLive(site, row, fence)
  }

  async weigh({ environment, releaseId, percent, signal, mayAct, fence }: WeighInput): Promise<void> {
    const { store, now } = this.#deps
    signal.throwIfAborted()
    mayAct()
    const live = mustBeLive(await store.live(environment.repository, environment.name), releaseId)
    const command = withPercent(live, percent, now())
    // Given it once more, too, where it was only written down.
    if (command) await store.reach(releaseId, command, fence)
    await this.#servers.route(this.#sites.of(environment), command ? { ...live, command } : live)
  }

  async #adopt(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = setInterval(() => {
      this.#collecting ??= this.#collect().finally(() => (this.#collecting = undefined))
    }, COLLECT_MS)
    this.#timer.unref()
  }

  /** What is deployed goes on whatever ends here: it is on another machine. */
  async #close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#collecting
    this.#sites.close()
  }

  async #collect(): Promise<void> {
    const rows = (await this.#deps.store.allLive()).filter(({ command }) => command.server !== undefined)
    for (const { repository, environment } of rows) await this.#count({ repository, name: environment })
  }

  /** What cannot be read now is read the next time. */
  async #count(environment: Pick<Environment, 'repository' | 'name'>): Promise<void> {
    const { store, log } = this.#deps
    try {
      const live = await store.live(environment.repository, environment.name)
      if (!live) return
      const { backend } = this.#sites.of(environment)
      await this.#collector.take([live, ...(await this.#servers.besides(live))], () => backend.servers())
    } catch (error) {
      log('what HAProxy has counted cannot be read', { environment: environment.name, error: messageOf(error) })
    }
  }
}
