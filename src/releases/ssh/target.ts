import { causesOf, messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseLog } from '../local/log.ts'
import {
  begunRow,
  byLastServed,
  detailOf,
  KEEP_RELEASES,
  NO_SERVICE,
  observed,
  servedSince,
  writeLive,
} from '../rows.ts'
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
const SILENT_MS = 30_000

/** Containers on another host, behind its HAProxy: the new one on the server that nobody is sent to, then people are sent there. */
export class SshTarget implements Target {
  readonly #deps: TargetDeps
  readonly #sites: Sites
  readonly #collector: Collector
  readonly #servers: Servers
  readonly host: TargetHost
  #timer: NodeJS.Timeout | undefined
  #collecting: Promise<void> | undefined
  /** Until when one is not asked again that did not answer, by its live release. */
  readonly #silent = new Map<string, number>()

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
    const { repository, environment: name } = row
    const read = async () => this.#sites.of({ repository, name }).machine.log(row)
    const printed = await read().catch((error: unknown) => `its log cannot be read: ${messageOf(error)}`)
    return built + this.#deps.redact(printed)
  }

  async probe(environment: Environment, sha?: string): Promise<boolean> {
    const { url, health } = sshSettings(environment.settings)
    if (sha === undefined) return healthy(new URL(health, url).href)
    const live = await this.#deps.store.live(environment.repository, environment.name)
    const row = live?.sha === sha ? live : live && (await besideOf(this.#deps.store, live))
    if (row?.sha !== sha) return false
    try {
      const { machine, backend } = this.#sites.of(environment)
      const server = (await backend.servers()).find(({ name }) => name === row.command.server)
      return server !== undefined && (await machine.answers(server.address, health))
    } catch (error) {
      // That nobody can come by SSH now says nothing of what is served.
      this.#deps.log('a release cannot be asked by itself', { environment: environment.name, error: causesOf(error) })
      return healthy(new URL(health, url).href)
    }
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
    return [`start it on ${next.name} of ${site.name}${now ? `, beside what is live on ${now}` : ''}`]
  }

  async apply(input: ApplyInput): Promise<void> {
    const { environment, releaseId: id, signal, mayAct } = input
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
      await this.#goLive(site, row, input)
    } catch (error) {
      // Stopped, or taken over: whoever goes on finds it unfinished.
      if (signal.aborted || error instanceof Lost || error instanceof Fenced) throw error
      await this.#failed(site, id, error, mayAct)
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
  async #goLive(site: Site, row: ReleaseRow, { fence, mayAct }: Pick<ApplyInput, 'fence' | 'mayAct'>): Promise<void> {
    const { store } = this.#deps
    const live = await store.live(row.repository, row.environment)
    const serving = live ? [live, ...(await this.#servers.besides(live))] : []
    const count = () => this.#collector.take(serving, () => site.backend.servers(), [row])
    await count()
    mayAct()
    await this.#servers.route(site, row)
    // What was live before had requests until now.
    await count().catch((error: unknown) => this.#deps.log('requests were not counted', { error: messageOf(error) }))
    await writeLive(this.#deps, row, fence)
    await this.#tidied(site, row, live, mayAct).catch((error: unknown) =>
      this.#deps.log('an old release could not be stopped', { error: messageOf(error) }),
    )
  }

  /** What serves and the one before it go on, and those that can be gone back to stay. */
  async #tidied({ machine, place }: Site, row: ReleaseRow, before: ReleaseRow | undefined, mayAct: () => void) {
    const { store } = this.#deps
    const rows = await store.list(row.repository, row.environment)
    const kept = byLastServed(rows).slice(0, KEEP_RELEASES)
    const stays = new Set([row.id, before?.id, row.command.share?.beside])
    const others = rows.filter(
      ({ id, status, command }) => !stays.has(id) && status !== 'live' && command.place === place,
    )
    for (const other of others) {
      const { server, container: image, ...command } = other.command
      const isKept = kept.some(({ id }) => id === other.id)
      if (server === undefined && (isKept || !image)) continue
      mayAct()
      if (server !== undefined) await machine.stop(other)
      if (!isKept && image) await machine.forget(other)
      await store.save({ ...other, command: { ...command, ...(isKept ? { container: image } : {}) } })
    }
  }

  /** Nobody is sent there any more, and what was live is. */
  async #failed(site: Site, id: string, error: unknown, mayAct: () => void): Promise<void> {
    const { store, log } = this.#deps
    const row = await store.get(id)
    if (!row) return
    // Whoever has it by now goes on.
    mayAct()
    const detail = detailOf(error)
    const live = await store.live(row.repository, row.environment)
    try {
      if (row.command.server !== undefined) {
        if (live) await this.#servers.route(site, live)
        await site.machine.stop(row)
      }
      await site.machine.dropImage(row)
    } catch (failure) {
      log('what failed could not be stopped', { release: row.id, error: messageOf(failure) })
    }
    const { server: _, container: __, ...command } = row.command
    await store.save({ ...row, status: 'failed', detail, command })
  }

  async restorable(environment: Environment): Promise<readonly Restorable[]> {
    const { repository, name } = environment
    const { place } = this.#sites.of(environment)
    const rows = await this.#deps.store.list(repository, name)
    return byLastServed(rows)
      .filter(({ status, command }) => status !== 'live' && command.container !== undefined && command.place === place)
      .map(({ id, sha }) => ({ releaseId: id, sha }))
  }

  /** The one before still runs: then people are only sent there. Else it is started from its image. */
  async restore({ environment, releaseId, signal, mayAct, fence }: RestoreInput): Promise<void> {
    const { store } = this.#deps
    const kept = await store.get(releaseId)
    if (!kept || kept.liveAt === undefined || !kept.command.container)
      throw new UserError('nothing_kept', 'This release is not kept any more.')
    const site = this.#sites.of(environment)
    const live = await store.live(kept.repository, kept.environment)
    // It had a share of the requests at last, where it was taken back itself: now it has all.
    const { share: _, ...command } = kept.command
    const whole = { ...kept, command }
    const acting = { environment, signal, mayAct }
    const isWarm = await this.#servers.isWarm(site, whole, acting)
    const row = isWarm ? whole : await this.#servers.start(site, whole, acting)
    signal.throwIfAborted()
    mayAct()
    if (isWarm) await store.save(row)
    try {
      await this.#goLive(site, row, { fence, mayAct })
    } catch (error) {
      if (error instanceof Lost || error instanceof Fenced || !live) throw error
      mayAct()
      await this.#servers.route(site, live)
      throw error
    }
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

  /** All at once, so that a host that does not answer holds up no other; that one is left alone for a while. */
  async #collect(): Promise<void> {
    const { store, now } = this.#deps
    const rows = (await store.allLive()).filter(({ command }) => command.server !== undefined)
    const due = rows.filter(({ id }) => (this.#silent.get(id) ?? 0) <= now())
    await Promise.all(
      due.map(async ({ id, repository, environment }) => {
        const isRead = await this.#count({ repository, name: environment })
        if (isRead) this.#silent.delete(id)
        else this.#silent.set(id, now() + SILENT_MS)
      }),
    )
  }

  /** What cannot be read now is read the next time. */
  async #count(environment: Pick<Environment, 'repository' | 'name'>): Promise<boolean> {
    const { store, log } = this.#deps
    try {
      const live = await store.live(environment.repository, environment.name)
      const { backend, place } = this.#sites.of(environment)
      if (live?.command.place !== place) return true
      await this.#collector.take([live, ...(await this.#servers.besides(live))], () => backend.servers())
      return true
    } catch (error) {
      log('what HAProxy has counted cannot be read', { environment: environment.name, error: causesOf(error) })
      return false
    }
  }
}
