import { messageOf, UserError } from '../../core/errors.ts'
import { besideOf } from '../shares.ts'
import type { ApplyInput, Environment, ReleaseRow, TargetDeps } from '../types.ts'
import type { Server } from './haproxy.ts'
import { sshSettings } from './settings.ts'
import type { Site } from './sites.ts'

const LOOK_MS = 100

/** Which release is on which server of HAProxy's, and what each of them is given. */
export class Servers {
  readonly #deps: TargetDeps

  constructor(deps: TargetDeps) {
    this.#deps = deps
  }

  /** It is there and answers, by HAProxy's own checks too; one that a process which ended has started already stays. */
  async up(site: Site, row: ReleaseRow, input: ApplyInput): Promise<ReleaseRow> {
    const { signal, environment } = input
    const servers = await site.backend.servers()
    const own = servers.find(({ name }) => name === row.command.server)
    if (own && (await this.isWarm(site, row, own))) return row
    const container = row.command.container ?? (await site.machine.prepare(row, input))
    signal.throwIfAborted()
    return this.start(site, { ...row, status: 'starting', command: { ...row.command, container } }, environment, signal)
  }

  /** On the server that nobody is sent to. */
  async start(site: Site, row: ReleaseRow, { settings }: Environment, signal: AbortSignal): Promise<ReleaseRow> {
    const server = await this.#idle(site, row)
    const placed = { ...row, command: { ...row.command, server: server.name } }
    await this.#deps.store.save(placed)
    await site.machine.start(placed, site.label(server.name), server.address)
    try {
      await site.backend.look(server.name)
      await this.#untilUp(site, placed, server, sshSettings(settings).healthTimeoutSeconds, signal)
      return placed
    } catch (error) {
      await site.machine
        .stop(placed)
        .catch((failure: unknown) =>
          this.#deps.log('what did not start could not be stopped', { release: row.id, error: messageOf(failure) }),
        )
      throw error
    }
  }

  async isWarm({ machine }: Site, row: ReleaseRow, { address }: Server): Promise<boolean> {
    return (await machine.isRunning(row)) && machine.answers(address, row.command.health)
  }

  /** The server that the next release starts on. @throws UserError where each has people sent to it */
  async next({ backend, name }: Site, { repository, environment }: Pick<ReleaseRow, 'repository' | 'environment'>) {
    const live = await this.#deps.store.live(repository, environment)
    const beside = live && (await besideOf(this.#deps.store, live))
    const taken = new Set([live?.command.server, beside?.command.server])
    const free = (await backend.servers()).filter((server) => !taken.has(server.name))
    const found = free.find(({ weight }) => weight === 0) ?? free[0]
    if (found) return found
    throw new UserError('no_server', `All servers of HAProxy's backend \`${name}\` are given requests.`, {
      hint: 'What is live has a share of them alone: `rollback` takes it away.',
    })
  }

  /** The same, with nobody sent to it. */
  async #idle(site: Site, row: ReleaseRow): Promise<Server> {
    const found = await this.next(site, row)
    const live = await this.#deps.store.live(row.repository, row.environment)
    // Somebody was killed who had sent people there, and did not come back: what is written down is what holds.
    if (live && found.weight > 0) await this.route(site, live)
    return found
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

  /** Each server of the backend has what it is to have; HAProxy begins with that where it is started anew. */
  async route({ backend, machine, name }: Site, row: ReleaseRow): Promise<void> {
    const { share, server = '' } = row.command
    const [beside] = await this.besides(row)
    const none = (await backend.servers()).map((one) => [one.name, 0] as const)
    const percent = share?.percent ?? 100
    const rest = beside?.command.server ? { [beside.command.server]: 100 - percent } : {}
    await backend.give({ ...Object.fromEntries(none), ...rest, [server]: percent })
    await backend
      .state()
      .then((state) => machine.keepState(name, state))
      .catch((error: unknown) => this.#deps.log('the state of HAProxy was not kept', { error: messageOf(error) }))
  }

  async besides(row: ReleaseRow): Promise<readonly ReleaseRow[]> {
    const beside = await besideOf(this.#deps.store, row)
    return beside ? [beside] : []
  }
}
