import { Counts, type Ended } from './counts.ts'
import { EnvironmentProxy, type Port } from './environment.ts'
import type { Opened, Route, Standing, Whole } from './protocol.ts'

type Place = Pick<Route, 'repository' | 'environment'>
type Listener = Place & Pick<Route, 'host' | 'port'>

/** All environments of one process, with what is counted of them. */
export class Proxies {
  readonly counts = new Counts()
  readonly #byPlace = new Map<string, EnvironmentProxy>()
  /** Whoever goes on, once another process has the ports; with what it was told while it may not get ready after all. */
  #successor: { readonly tell: (ended: Ended) => void; unsure: Ended[] | undefined } | undefined

  standing(): Standing[] {
    return this.all().map((one) => one.standing)
  }

  all(): EnvironmentProxy[] {
    return [...this.#byPlace.values()]
  }

  /** @param from where it is told of a port that is open already */
  async open({ repository, environment, host, port }: Listener, from?: Port): Promise<Opened> {
    return this.#at({ repository, environment }).listen(port, host, from)
  }

  /** Opens the port where it is not open yet, and passes requests on to that release; not where another one went live after it. */
  async route(route: Route, isForced = false): Promise<Opened & { readonly isOlder: boolean }> {
    if (!isForced && this.#at(route).hasNewer(route)) return { isOpen: true, isOlder: true }
    const opened = await this.open(route)
    if (opened.isOpen) this.lead(route)
    return { ...opened, isOlder: false }
  }

  /** Passes requests on to that release, wherever they arrive. */
  lead(route: Route): void {
    this.#at(route).switchTo(route)
  }

  /** Waits until nothing is under way any more to older releases of an environment. */
  async drain(place: Place, ms: number): Promise<void> {
    await this.#at(place).drained(ms)
  }

  /** The same of every environment. */
  async drainAll(ms: number): Promise<void> {
    await Promise.all(this.all().map((one) => one.drained(ms)))
  }

  #at({ repository, environment }: Place): EnvironmentProxy {
    const key = JSON.stringify([repository, environment])
    const known = this.#byPlace.get(key)
    if (known) return known
    const made = new EnvironmentProxy({ repository, environment }, (ended) => this.count(ended))
    this.#byPlace.set(key, made)
    return made
  }

  /** A request is over, here or in the process that had the ports before. */
  count(ended: Ended): void {
    if (!this.#successor) return this.counts.add(ended)
    this.#successor.unsure?.push(ended)
    this.#successor.tell(ended)
  }

  /** From now on another process counts. @returns what was counted until now */
  countElsewhere(tell: (ended: Ended) => void): Whole {
    this.#successor = { tell, unsure: [] }
    return this.counts.whole()
  }

  /** That one is ready. */
  isElsewhere(): void {
    if (this.#successor) this.#successor.unsure = undefined
  }

  /** It does not, after all: what it was given stays to be asked for here, and so does what it was told. */
  countHere(): void {
    const unsure = this.#successor?.unsure ?? []
    this.#successor = undefined
    for (const ended of unsure) this.counts.add(ended)
  }

  async leave(): Promise<void> {
    await Promise.all(this.all().map((one) => one.leave()))
  }
}
