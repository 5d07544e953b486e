import { Counts, type Ended } from './counts.ts'
import { EnvironmentProxy, type Port } from './environment.ts'
import type { Route, Standing, Whole } from './protocol.ts'

type Place = Pick<Route, 'repository' | 'environment'>
type Listener = Place & Pick<Route, 'host' | 'port'>

/** All environments of one process, with what is counted of them. */
export class Proxies {
  readonly counts = new Counts()
  readonly #byPlace = new Map<string, EnvironmentProxy>()
  /** Whoever goes on, once another process has the ports. */
  #successor: ((ended: Ended) => void) | undefined

  standing(): Standing[] {
    return this.all().map((one) => one.standing)
  }

  all(): EnvironmentProxy[] {
    return [...this.#byPlace.values()]
  }

  /** @returns whether its port is open */
  async open({ repository, environment, host, port }: Listener, from?: Port): Promise<boolean> {
    return this.#at({ repository, environment }).listen(port, host, from)
  }

  /** Opens the port where it is not open yet, and passes requests on to that release. */
  async route(route: Route): Promise<{ readonly isOpen: boolean; readonly isOlder: boolean }> {
    const isOpen = await this.open(route)
    return { isOpen, isOlder: isOpen && !this.lead(route) }
  }

  /** Passes requests on to that release, wherever they arrive. @returns false where one went live after it, and stays */
  lead(route: Route): boolean {
    return this.#at(route).switchTo(route)
  }

  async drain(place: Place, ms: number): Promise<void> {
    await this.#at(place).drained(ms)
  }

  #at({ repository, environment }: Place): EnvironmentProxy {
    const key = JSON.stringify([repository, environment])
    const known = this.#byPlace.get(key)
    if (known) return known
    const made = new EnvironmentProxy({ repository, environment }, (ended) => this.#count(ended))
    this.#byPlace.set(key, made)
    return made
  }

  #count(ended: Ended): void {
    if (this.#successor) this.#successor(ended)
    else this.counts.add(ended)
  }

  /** From now on another process counts. @returns what was counted until now */
  countElsewhere(successor: (ended: Ended) => void): Whole {
    this.#successor = successor
    return this.counts.whole()
  }

  /** It does not, after all: what it was given stays to be asked for here. */
  countHere(): void {
    this.#successor = undefined
  }

  async leave(): Promise<void> {
    await Promise.all(this.all().map((one) => one.leave()))
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((one) => one.close()))
  }
}
