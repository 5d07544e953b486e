import { EventEmitter } from 'node:events'
import { type PGlite, types } from '@electric-sql/pglite'
import type { PgNotification, PgPool, PgPoolClient, PgQueryResult } from 'bullmq'

/**
 * A `pg.Pool` over the one session of the embedded database, as far as BullMQ's PostgreSQL backend needs it: its
 * operations are single statements, so sharing a session is safe (its migrations, which are not, run before anything else).
 */
export class LitePool extends EventEmitter implements PgPool {
  // What BullMQ reads of a real pool's options.
  readonly options = { keepAlive: true }
  readonly #lite: PGlite
  readonly #turns: Ordering

  /** @param turns lets the queue's statements take turns with arriving events */
  constructor(lite: PGlite, turns: Ordering) {
    super()
    this.setMaxListeners(0)
    this.#lite = lite
    this.#turns = turns
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    return this.#turns.run(false, () => run<R>(this.#lite, text, params))
  }

  async connect(): Promise<PgPoolClient> {
    return new LiteClient(this.#lite, this.#turns)
  }

  async end(): Promise<void> {}
}

/** Whoever orders the statements of the one session. */
interface Ordering {
  run<T>(urgent: boolean, action: () => Promise<T>): Promise<T>
}

class LiteClient extends EventEmitter implements PgPoolClient {
  readonly #lite: PGlite
  readonly #turns: Ordering
  readonly #listening = new Map<string, () => Promise<void>>()

  constructor(lite: PGlite, turns: Ordering) {
    super()
    this.setMaxListeners(0)
    this.#lite = lite
    this.#turns = turns
  }

  async query<R>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
    const [, verb, channel] = /^(?:\s*--[^\n]*\n)*\s*(LISTEN|UNLISTEN)\s+"?(\w+)"?/i.exec(text) ?? []
    if (!verb || !channel) return this.#turns.run(false, () => run<R>(this.#lite, text, params))
    if (verb.toUpperCase() === 'LISTEN') await this.#listen(channel)
    else await this.#unlisten(channel)
    return { rows: [] }
  }

  async #listen(channel: string): Promise<void> {
    const stop = await this.#lite.listen(channel, (payload) => {
      const message: PgNotification = { channel, payload }
      this.emit('notification', message)
    })
    this.#listening.set(channel, stop)
  }

  async #unlisten(channel: string): Promise<void> {
    await this.#listening.get(channel)?.()
    this.#listening.delete(channel)
  }

  release(): void {
    for (const channel of this.#listening.keys()) void this.#unlisten(channel)
  }
}

// node-postgres gives 64-bit integers as text, and BullMQ counts on that.
const parsers = { [types.INT8]: (value: string) => value }

async function run<R>(lite: PGlite, text: string, params?: readonly unknown[]): Promise<PgQueryResult<R>> {
  if (!params?.length && /;\s*\S/.test(text)) {
    const results = await lite.exec(text, { parsers })
    return { rows: rowsAs<R>(results.at(-1)?.rows ?? []), rowCount: results.at(-1)?.affectedRows ?? 0 }
  }
  const result = await lite.query<R>(text, params ? [...params] : [], { parsers })
  return { rows: result.rows, rowCount: result.affectedRows || result.rows.length }
}

/** The boundary cast of this seam: the caller names the row type of its own SQL, as with node-postgres. */
function rowsAs<R>(rows: readonly unknown[]): R[] {
  return rows as R[]
}
