import { join, resolve } from 'node:path'
import { messageOf, UserError } from '../../core/errors.ts'
import { hashOf } from '../../core/hash.ts'
import type { ReleaseRow, TargetDeps } from '../types.ts'
import { Gone, isReset } from './beside/ask.ts'
import { ProxyProcess } from './proxy/client.ts'
import type { Opened, Operations, Route, Standing } from './proxy/protocol.ts'

/** How often what was counted is fetched; the judge counts on it within two seconds. */
const COLLECT_MS = 500
/** For so many looks in a row it may answer nothing before it is ended. */
const MISSES = 2
/** How long giving it up may take: less than whoever stops has. */
const CLOSE_MS = 3000

type Place = Pick<ReleaseRow, 'repository' | 'environment'>

/** The ports that people use, as the target sees them: who is served there, and what was counted. */
export class Ports {
  readonly #options: Pick<TargetDeps, 'store' | 'host' | 'now' | 'log'>
  readonly #proxy: ProxyProcess
  #timer: NodeJS.Timeout | undefined
  #collecting: Promise<void> | undefined
  #acknowledged = 0
  #misses = 0
  #isClosed = false

  constructor(options: Pick<TargetDeps, 'store' | 'host' | 'now' | 'log' | 'dir'>) {
    this.#options = options
    this.#proxy = new ProxyProcess(join(resolve(options.dir), 'releases'), options.log)
  }

  /** As the proxy says; undefined where none runs on this machine. */
  async standing(): Promise<readonly Standing[] | undefined> {
    const ask = async () => (await this.#proxy.find()?.state({}))?.environments
    try {
      // One that ended in the middle of its answer has another in its place, or none: that is asked.
      return await ask().catch((error: unknown) => {
        if (isReset(error)) return ask()
        throw error
      })
    } catch (error) {
      if (error instanceof Gone) return undefined
      throw error
    }
  }

  /** @throws UserError when the port cannot be opened */
  async open({ repository, environment, command }: Place & Pick<ReleaseRow, 'command'>): Promise<void> {
    const where = { repository, environment, host: this.#options.host, port: command.publicPort }
    const opened = await this.#asked((proxy) => proxy.open(where))
    if (!opened.isOpen) throw notOpened(where.port, opened)
  }

  /**
   * Passes requests on to a release from now on, unless another one went live after it.
   * @param beside has the rest of the requests, where the release has a share
   * @param isForced it is what is live, whatever the proxy knows
   * @returns whether another one went live after it
   * @throws UserError when the port cannot be opened
   */
  async route(row: ReleaseRow, beside: ReleaseRow | undefined, isForced = false): Promise<boolean> {
    const route = routeOf({ row, beside }, this.#options.host)
    if (!route) return false
    const routed = await this.#asked((proxy) => proxy.route({ route, now: this.#options.now(), isForced }))
    if (!routed.isOpen) throw notOpened(route.port, routed)
    return routed.isOlder
  }

  /** Waits until no request is under way to what was live before, for so long at most. */
  async drain({ repository, environment }: Place, ms: number): Promise<void> {
    await this.#proxy.find()?.drain({ repository, environment, ms })
  }

  /** What is live and not served as it is written down: after the proxy has ended, or a port was taken. */
  async unserved(meant: readonly Meant[]): Promise<readonly ReleaseRow[]> {
    if (meant.length === 0) return []
    const { environments } = await this.#asked((proxy) => proxy.state({}))
    return meant.filter((one) => !isServed(one, environments, this.#options.host)).map(({ row }) => row)
  }

  /** Has the program of this version take over, whatever runs; from now on what is counted is written down. */
  async renew(): Promise<void> {
    this.#isClosed = false
    await this.#proxy.renew()
    if (this.#proxy.find()) this.#collect()
  }

  /** One that runs is asked. */
  async #asked<T>(question: (operations: Operations) => Promise<T>): Promise<T> {
    const answer = await this.#proxy.ask(question)
    this.#collect()
    return answer
  }

  /** Whoever has given the releases up leaves that to the next one: of two who fetch, each would be told what the other was. */
  #collect(): void {
    if (this.#timer || this.#isClosed) return
    this.#timer = setInterval(() => {
      this.#collecting ??= this.#take()
        .then(() => void (this.#misses = 0))
        .catch((error: unknown) => this.#missed(error))
        .finally(() => (this.#collecting = undefined))
    }, COLLECT_MS)
    this.#timer.unref()
  }

  /** What was counted is written down, then acknowledged by the next one: what does not arrive is told again. */
  async #take(isLast = false): Promise<void> {
    const { store, now } = this.#options
    const taken = await this.#proxy.find()?.take({ acknowledged: this.#acknowledged, now: now(), isLast })
    if (!taken) return
    for (const { repository, environment, sha, samples } of taken.counted)
      await store.addSamples(repository, environment, sha, samples)
    this.#acknowledged = taken.batch
  }

  /** One that does not answer any more, though it runs, serves nobody. */
  async #missed(error: unknown): Promise<void> {
    this.#options.log('the proxy tells nothing of its traffic', { error: messageOf(error) })
    if (!(error instanceof DOMException && error.name === 'TimeoutError') || ++this.#misses < MISSES) return
    this.#misses = 0
    await this.#proxy.end()
  }

  /** Fetches nothing any more; it goes on serving, unless it is to stop. */
  async close(stops: boolean): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#timer = undefined
    const { log } = this.#options
    const last = async () => {
      await this.#collecting
      await this.#take(stops)
    }
    await within(CLOSE_MS, last()).catch((error: unknown) => log('traffic not saved', { error: messageOf(error) }))
    if (!stops) return
    await within(CLOSE_MS, Promise.resolve(this.#proxy.find()?.stop({}))).catch(() => this.#proxy.end())
  }
}

/** @throws Error where it takes longer */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** What to do where the system does not open a port. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Is another program using it?',
  EACCES: 'Muster’s account may not open it; those from 1024 on everybody may.',
  EADDRNOTAVAIL: 'This machine does not have the address that Muster listens on (`HOST`).',
}

function notOpened(port: number, { code = '' }: Opened): UserError {
  return new UserError('port_taken', `The port ${port} of this environment cannot be opened.`, {
    hint: HINTS[code] ?? `The system says ${code}.`,
  })
}

/** What is live, and what has the rest of the requests where that has a share. */
interface Meant {
  readonly row: ReleaseRow
  readonly beside: ReleaseRow | undefined
}

function isServed(meant: Meant, standing: readonly Standing[], host: string): boolean {
  const { row } = meant
  const found = standing.find((one) => one.repository === row.repository && one.environment === row.environment)
  const isOpen = found?.listeners.some((one) => one.port === row.command.publicPort && one.host === host)
  const { sha, upstream, beside } = routeOf(meant, host) ?? {}
  const route = found?.route
  const isSame = route?.sha === sha && route?.upstream === upstream
  return isOpen === true && route !== undefined && isSame && hashOf(route.beside ?? {}) === hashOf(beside ?? {})
}

/** Undefined where it has no port, or is not live. */
function routeOf({ row, beside }: Meant, host: string): Route | undefined {
  const { repository, environment, sha, port, command, liveAt } = row
  if (port === undefined || !liveAt) return undefined
  const { share, publicPort } = command
  const tells = command.runs === 'objects' ? { tells: true } : {}
  const rest =
    share && beside?.port !== undefined
      ? { beside: { sha: beside.sha, upstream: beside.port, percent: share.percent } }
      : {}
  return {
    repository,
    environment,
    host,
    port: publicPort,
    sha,
    upstream: port,
    since: liveAt.getTime(),
    ...tells,
    ...rest,
  }
}
