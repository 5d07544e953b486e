import { messageOf, UserError } from '../../core/errors.ts'
import type { Sample } from '../../core/traffic.ts'
import { type Fence, Lost } from '../../leases/types.ts'
import { Fenced } from '../../store/types.ts'
import { healthy } from '../local/health.ts'
import { releaseLog } from '../local/log.ts'
import { begunRow, byLastServed, KEEP_RELEASES, NO_SERVICE, observed, servedSince, writeLive } from '../rows.ts'
import { secretsOf } from '../secrets.ts'
import { besideOf, mustBeLive, shareBeside, withPercent } from '../shares.ts'
import type {
  ApplyInput,
  Environment,
  Observed,
  ReleaseRow,
  Restorable,
  RestoreInput,
  Target,
  TargetDeps,
  TargetHost,
  WeighInput,
} from '../types.ts'
import { Collector } from './collector.ts'
import type { Server } from './haproxy.ts'
import { sshSettings } from './settings.ts'
import { type Site, Sites } from './sites.ts'

const COLLECT_MS = 2000
const LOOK_MS = 100

/** Containers on another host, behind its HAProxy: the new one on the server that nobody is sent to, then people are sent there. */
export class SshTarget implements Target {
  readonly #deps: TargetDeps
  readonly #sites: Sites
  readonly #collector: Collector
  readonly host: TargetHost
  #timer: NodeJS.Timeout | undefined
  #collecting: Promise<void> | undefined

  constructor(deps: TargetDeps) {
    this.#deps = deps
    this.#sites = new Sites(deps.env)
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
      row = await this.#up(site, row, input)
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

  /** It is there and answers, by HAProxy's own checks too; one that a process which ended has started already stays. */
  async #up(site: Site, row: ReleaseRow, input: ApplyInput): Promise<ReleaseRow> {
    const { signal, environment } = input
    const servers = await site.backend.servers()
    const own = servers.find(({ name }) => name === row.command.server)
    if (own && (await this.#isWarm(site, row, own))) return row
    const container = row.command.container ?? (await site.machine.prepare(row, input, this.#deps.dir))
    signal.throwIfAborted()
    return this.#started(
      site,
      { ...row, status: 'starting', command: { ...row.command, container } },
      environment,
      signal,
    )
  }

  /** On the server that nobody is sent to. */
  async #started(site: Site, row: ReleaseRow, { settings }: Environment, signal: AbortSignal): Promise<ReleaseRow> {
    const server = await this.#idle(site, row)
    const placed = { ...row, command: { ...row.command, server: server.name } }
    await this.#deps.store.save(placed)
    await site.machine.start(placed, site.label(server.name), server.address)
    await site.backend.give({ [server.name]: 0 })
    await this.#untilUp(site, placed, server, sshSettings(settings).healthTimeoutSeconds, signal)
    return placed
  }

  async #isWarm({ machine }: Site, row: ReleaseRow, { address }: Server): Promise<boolean> {
    return (await machine.isRunning(row)) && machine.answers(address, row.command.health)
  }

  /** @throws UserError where each has people sent to it */
  async #idle({ backend, name }: Site, { repository, environment }: ReleaseRow): Promise<Server> {
    const live = await this.#deps.store.live(repository, environment)
    const beside = live && (await besideOf(this.#deps.store, live))
    const taken = new Set([live?.command.server, beside?.command.server])
    const idle = (await backend.servers()).filter(({ weight }) => weight === 0)
    const found = idle.find((server) => !taken.has(server.name)) ?? idle[0]
    if (found) return found
    throw new UserError('no_server', `All servers of HAProxy's backend \`${name}\` are given requests.`, {
      hint: 'One of them has to have the weight 0: the next release begins there.',
    })
  }

  /** @throws UserError where it ends, or does not answer in time */
  async #untilUp(site: Site, row: ReleaseRow, server: Server, seconds: number, signal: AbortSignal): Promise<void> {
    const until = Date.now() + seconds * 1000
    let answers = false
    while (Date.now() < until) {
      signal.throwIfAborted()
      if (!(await site.machine.isRunning(row)))
        throw new UserError('start_failed', 'The new release ended right after its start.')
      answers ||= await site.machine.answers(server.address, row.command.health)
      if (answers && (await site.backend.servers()).some(({ name, isUp }) => name === server.name && isUp)) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    const who = answers ? 'HAProxy does not find the new release healthy' : 'The new release was not healthy'
    throw new UserError('not_healthy', `${who} within ${seconds} s.`)
  }

  /** People are sent there, then that is written down: whoever ends in between finds it there, and goes on. @throws Fenced */
  async #goLive(site: Site, row: ReleaseRow, fence: Fence): Promise<void> {
    const { store } = this.#deps
    const live = await store.live(row.repository, row.environment)
    const serving = live ? [live, ...(await this.#besides(live))] : []
    await this.#collector.take(serving, () => site.backend.servers(), [row])
    await this.#route(site, row)
    await writeLive(this.#deps, row, fence)
    await this.#tidied(site, row, live).catch((error: unknown) =>
      this.#deps.log('an old release could not be stopped', { error: messageOf(error) }),
    )
  }

  async #besides(row: ReleaseRow): Promise<readonly ReleaseRow[]> {
    const beside = await besideOf(this.#deps.store, row)
    return beside ? [beside] : []
  }

  /** Each server of the backend has what it is to have; HAProxy begins with that where it is started anew. */
  async #route({ backend, machine, name }: Site, row: ReleaseRow): Promise<void> {
    const { share, server = '' } = row.command
    const [beside] = await this.#besides(row)
    const none = (await backend.servers()).map((one) => [one.name, 0] as const)
    const percent = share?.percent ?? 100
    const rest = beside?.command.server ? { [beside.command.server]: 100 - percent } : {}
    await backend.give({ ...Object.fromEntries(none), ...rest, [server]: percent })
    await backend
      .state()
      .then((state) => machine.keepState(name, state))
      .catch((error: unknown) => this.#deps.log('the state of HAProxy was not kept', { error: messageOf(error) }))
  }

  /** What serves and the one before it go on, and those that can be gone back to stay. */
  async #tidied({ machine }: Site, row: ReleaseRow, before: ReleaseRow | undefined): Promise<void> {
    const { store } = this.#deps
    const rows = await store.list(row.repository, row.environment)
    const kept = byLastServed(rows).slice(0, KEEP_RELEASES)
    const stays = new Set([row.id, before?.id, row.command.share?.beside])
    for (const other of rows.filter(({ id, command }) => !stays.has(id) && command.server !== undefined)) {
      await machine.stop(other)
      const { server: _, container: image, ...command } = other.command
      const isKept = kept.some(({ id }) => id === other.id)
      if (!isKept) await machine.forget(other, kept)
      await store.save({ ...other, command: { ...command, ...(isKept ? { container: image } : {}) } })
    }
  }

  /** Nobody is sent there any more, and what was live is. */
  async #failed(site: Site, row: ReleaseRow, error: unknown): Promise<void> {
    const { store, log } = this.#deps
    const detail = error instanceof UserError ? error.message : 'an unexpected error'
    const live = await store.live(row.repository, row.environment)
    try {
      if (live && row.command.server !== undefined) await this.#route(site, live)
      if (row.command.server !== undefined) await site.machine.stop(row)
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
    const isWarm = own !== undefined && (await this.#isWarm(site, whole, own))
    const row = isWarm ? whole : await this.#started(site, whole, environment, signal)
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
    await this.#route(this.#sites.of(environment), command ? { ...live, command } : live)
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
      await this.#collector.take([live, ...(await this.#besides(live))], () => backend.servers())
    } catch (error) {
      log('what HAProxy has counted cannot be read', { environment: environment.name, error: messageOf(error) })
    }
  }
}
