import { messageOf, UserError } from '../../core/errors.ts'
import { besideOf } from '../shares.ts'
import type { ApplyInput, ReleaseRow, TargetDeps } from '../types.ts'
import type { Server } from './haproxy.ts'
import { sshSettings } from './settings.ts'
import type { Site } from './sites.ts'

const LOOK_MS = 100

type Acting = Pick<ApplyInput, 'environment' | 'signal' | 'mayAct'>

/** Which release is on which server of HAProxy's, and what each of them is given. */
export class Servers {
  readonly #deps: TargetDeps

  constructor(deps: TargetDeps) {
    this.#deps = deps
  }

  /** It is there and answers, by HAProxy's own checks too; one that a process which ended has started already stays. */
  async up(site: Site, row: ReleaseRow, input: ApplyInput): Promise<ReleaseRow> {
    if (await this.isWarm(site, row, input)) return row
    const container = row.command.container ?? (await site.machine.prepare(row, input))
    input.signal.throwIfAborted()
    return this.start(site, { ...row, status: 'starting', command: { ...row.command, container } }, input)
  }

  /** On the server that nobody is sent to. */
  async start(site: Site, row: ReleaseRow, acting: Acting): Promise<ReleaseRow> {
    const server = await this.#idle(site, row, acting)
    const placed = { ...row, command: { ...row.command, server: server.name, place: site.place } }
    await this.#deps.store.save(placed)
    acting.mayAct()
    try {
      await site.machine.start(placed, site.label(server.name), server.address)
      await this.#untilUp(site, placed, server, acting)
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

  /** Whether it runs where it was, and answers: HAProxy then finds that too, before anybody is sent there. */
  async isWarm(site: Site, row: ReleaseRow, acting: Acting): Promise<boolean> {
    const { server: name, place } = row.command
    const server = (await site.backend.servers()).find((one) => one.name === name)
    if (!server || place !== site.place || !(await site.machine.isRunning(row))) return false
    if (!server.isUp && !(await site.machine.answers(server.address, row.command.health))) return false
    await this.#untilUp(site, row, server, acting)
    return true
  }

  /** The server that a release starts on. @throws UserError where each has people sent to it, or is out of service */
  async next(
    { backend, name, place }: Site,
    { repository, environment, id }: Pick<ReleaseRow, 'repository' | 'environment'> & { readonly id?: string },
  ): Promise<Server> {
    const live = await this.#deps.store.live(repository, environment)
    const beside = live && (await besideOf(this.#deps.store, live))
    const all = await backend.servers()
    // What has the rest of the requests and has died is started where it was.
    const own = beside?.id === id && beside?.command.place === place ? beside?.command.server : undefined
    const taken = new Set([live?.command.server, own === undefined ? beside?.command.server : undefined])
    const free = all.filter((server) => !taken.has(server.name) && !server.isOff)
    const found = free.find((server) => server.name === own) ?? free.find(({ weight }) => weight === 0) ?? free[0]
    if (found) return found
    throw new UserError(
      'no_server',
      `All servers of HAProxy's backend \`${name}\` are given requests, or out of service.`,
      {
        hint: 'Where what is live has a share of them alone, `rollback` takes that away.',
      },
    )
  }

  /** The same, with nobody sent to it. */
  async #idle(site: Site, row: ReleaseRow, { mayAct }: Acting): Promise<Server> {
    const found = await this.next(site, row)
    const live = await this.#deps.store.live(row.repository, row.environment)
    const isBeside = live?.command.share?.beside === row.id
    // Somebody was killed who had sent people there, and did not come back: what is written down is what holds.
    if (live && !isBeside && found.weight > 0) {
      mayAct()
      await this.route(site, live)
    }
    return found
  }

  /** @throws UserError where it ends, or does not answer in time */
  async #untilUp(site: Site, row: ReleaseRow, server: Server, { environment, signal }: Acting): Promise<void> {
    const seconds = sshSettings(environment.settings).healthTimeoutSeconds
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
