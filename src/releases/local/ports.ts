import { join, resolve } from 'node:path'
import { messageOf, UserError } from '../../core/errors.ts'
import type { ReleaseRow, TargetDeps } from '../types.ts'
import { ProxyProcess } from './proxy/client.ts'
import type { Route, Standing } from './proxy/protocol.ts'

/** How often what was counted is fetched; the judge counts on it within two seconds. */
const COLLECT_MS = 500
/** For so many looks in a row it may answer nothing before it is ended. */
const MISSES = 4

type Place = Pick<ReleaseRow, 'repository' | 'environment'>

/** The ports that people use, as the target sees them: who is served there, and what was counted. */
export class Ports {
  readonly #options: Pick<TargetDeps, 'store' | 'host' | 'now' | 'log'>
  readonly #proxy: ProxyProcess
  #timer: NodeJS.Timeout | undefined
  #collecting: Promise<void> | undefined
  #acknowledged = 0
  #misses = 0

  constructor(options: Pick<TargetDeps, 'store' | 'host' | 'now' | 'log' | 'dir'>) {
    this.#options = options
    this.#proxy = new ProxyProcess(join(resolve(options.dir), 'releases'), options.log)
  }

  /** As the proxy says; undefined where none runs on this machine. */
  async standing(): Promise<readonly Standing[] | undefined> {
    return (await this.#proxy.find()?.state({}))?.environments
  }

  /** @throws UserError when the port is taken */
  async open({
    repository,
    environment,
    command,
  }: Pick<ReleaseRow, 'repository' | 'environment' | 'command'>): Promise<void> {
    const port = command.publicPort
    const { isOpen } = await (await this.#ready()).open({ repository, environment, host: this.#options.host, port })
    if (!isOpen) throw taken(port)
  }

  /** Passes requests on to a release from now on, unless another one went live after it. @throws UserError when the port is taken */
  async route(row: ReleaseRow): Promise<void> {
    const route = routeOf(row, this.#options.host)
    if (!route) return
    const { isOpen } = await (await this.#ready()).route({ route, now: this.#options.now() })
    if (!isOpen) throw taken(route.port)
  }

  /** Waits until no request is under way to what was live before, for so long at most. */
  async drain({ repository, environment }: Place, ms: number): Promise<void> {
    await this.#proxy.find()?.drain({ repository, environment, ms })
  }

  /** What is live and not served as it is written down: after the proxy has ended, or a port was taken. */
  async unserved(rows: readonly ReleaseRow[]): Promise<readonly ReleaseRow[]> {
    if (rows.length === 0) return []
    await this.#ready()
    const standing = (await this.standing()) ?? []
    return rows.filter((row) => !isServed(row, standing))
  }

  /** Has the program of this version take over, whatever version runs. */
  async renew(): Promise<void> {
    await this.#proxy.renew()
    if (this.#proxy.find()) this.#collect()
  }

  /** One that runs; from now on what it counts is written down. */
  async #ready(): ReturnType<ProxyProcess['get']> {
    const operations = await this.#proxy.get()
    this.#collect()
    return operations
  }

  #collect(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => {
      this.#collecting ??= this.#take()
        .then(() => void (this.#misses = 0))
        .catch((error: unknown) => this.#missed(error))
        .finally(() => (this.#collecting = undefined))
    }, COLLECT_MS)
    this.#timer.unref()
  }

  /** What was counted is written down, then acknowledged by the next one: what does not arrive is told again. */
  async #take(): Promise<void> {
    const { store, now } = this.#options
    const taken = await this.#proxy.find()?.take({ acknowledged: this.#acknowledged, now: now() })
    if (!taken) return
    for (const { repository, environment, sha, samples } of taken.counted)
      await store.addSamples(repository, environment, sha, samples)
    this.#acknowledged = taken.batch
  }

  /** One that does not answer any more, though it runs, serves nobody. */
  #missed(error: unknown): void {
    this.#options.log('the proxy tells nothing of its traffic', { error: messageOf(error) })
    if (!(error instanceof DOMException && error.name === 'TimeoutError') || ++this.#misses < MISSES) return
    this.#misses = 0
    this.#proxy.end()
  }

  /** Fetches nothing any more; it goes on serving, unless it is to stop. */
  async close(stops: boolean): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#collecting
    await this.#take().catch((error: unknown) => this.#options.log('traffic not saved', { error: messageOf(error) }))
    if (stops) await this.#proxy.find()?.stop({})
  }
}

function taken(port: number): UserError {
  return new UserError('port_taken', `The port ${port} of this environment cannot be opened.`, {
    hint: 'Is another program using it?',
  })
}

function isServed(row: ReleaseRow, standing: readonly Standing[]): boolean {
  const found = standing.find((one) => one.repository === row.repository && one.environment === row.environment)
  const { ports = [], route } = found ?? {}
  return ports.includes(row.command.publicPort) && route?.sha === row.sha && route.upstream === row.port
}

/** Undefined where it has no port, or is not live. */
function routeOf({ repository, environment, sha, port, command, liveAt }: ReleaseRow, host: string): Route | undefined {
  if (port === undefined || !liveAt) return undefined
  return { repository, environment, host, port: command.publicPort, sha, upstream: port, since: liveAt.getTime() }
}
