import type { ReleaseRow, ReleaseStore } from '../types.ts'
import { type Reading, readingOf, sampleOf } from './counts.ts'
import type { Server } from './haproxy.ts'

interface Known {
  readonly sha: string
  readonly reading: Reading
}

/** What HAProxy has counted of a release since it was read last is written down, each request once. */
export class Collector {
  readonly #store: ReleaseStore
  readonly #now: () => number
  readonly #known = new Map<string, ReadonlyMap<string, Known>>()
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(store: ReleaseStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /**
   * @param live what serves, with what it shares the requests with
   * @param coming what is about to serve: what came to its server until now was not for it
   */
  take(
    live: readonly ReleaseRow[],
    read: () => Promise<readonly Server[]>,
    coming: readonly ReleaseRow[] = [],
  ): Promise<void> {
    const [first] = [...live, ...coming]
    if (!first) return Promise.resolve()
    const key = `${first.repository} ${first.environment}`
    const act = async () => this.#taken(key, live, await read(), coming)
    // Of two who read at once, each would write what the other does.
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(act, act)
    this.#turns.set(key, turn)
    return turn
  }

  async #taken(
    key: string,
    live: readonly ReleaseRow[],
    servers: readonly Server[],
    coming: readonly ReleaseRow[],
  ): Promise<void> {
    const known = this.#known.get(key)
    // Whatever was read of other servers stays: one of them may be about to serve.
    const next = new Map<string, Known>(known)
    for (const row of [...live, ...coming]) {
      const server = servers.find(({ name }) => name === row.command.server)
      if (!server) continue
      const before = known?.get(server.name)
      if (before?.sha !== row.sha) {
        next.set(server.name, { sha: row.sha, reading: readingOf(undefined, server.counters) })
        continue
      }
      // It is counted from before the first that was sent there.
      if (!live.includes(row)) continue
      const reading = readingOf(before.reading, server.counters)
      next.set(server.name, { sha: row.sha, reading })
      const sample = sampleOf(before.reading, reading, this.#now(), row.sha)
      if (sample) await this.#store.addSamples(row.repository, row.environment, row.sha, [sample])
    }
    this.#known.set(key, next)
  }
}
