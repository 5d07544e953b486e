import { newId } from './ids.ts'
import type { Arrival } from '../core/inbound.ts'
import { backoffMs } from '../core/retry.ts'
import { isDatabaseDown, Params, type Sql } from './sql.ts'

/**
 * Durable in, by group commit: while one statement is under way, what arrives is gathered and written by the next, so that
 * many arrivals share one commit. Nobody is answered before the commit that has his arrival.
 */

const MAX_BATCH = 64
/** More than this is turned away at once: whoever sent it asks again later. */
const MOST_WAITING = 10_000
/** More statements than one at a time only take the rows from each other. */
const WRITERS = 2
/** GitHub waits 10 s for an answer (limits.md); a database that restarts is waited for as long as that allows. */
const PATIENCE_MS = 8000

const AGAIN = `INSERT INTO inbound_event (id, source, delivery_id, kind, body, lane, account, duplicate_of, outcome, reason, detail, decided_at, conversation_id, task_id)
  SELECT $1, source, delivery_id, kind, ''::bytea, lane, account, id, 'duplicate', 'delivery_seen', 'first received as ' || id, now(), conversation_id, task_id
  FROM inbound_event WHERE source = $2 AND delivery_id = $3 AND duplicate_of IS NULL AND id <> $1 ON CONFLICT DO NOTHING RETURNING duplicate_of`

interface Waiting {
  /** Until when an answer is of use; by the monotonic clock. */
  readonly until: number
  readonly id: string
  readonly arrival: Arrival
  readonly done: (result: { id: string; duplicate: boolean }) => void
  readonly failed: (error: unknown) => void
}

/** Stores arrivals. @returns a function that resolves when its arrival is committed */
export function inboxWriter(sql: Sql): (arrival: Arrival) => Promise<{ id: string; duplicate: boolean }> {
  let waiting: Waiting[] = []
  let writing = 0

  function pump(): void {
    while (writing < WRITERS && waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      const late = batch.filter((one) => one.until < performance.now())
      for (const one of late) one.failed(new Error('the database did not answer in time'))
      if (late.length > 0) {
        waiting = [...batch.filter((one) => !late.includes(one)), ...waiting]
        continue
      }
      writing++
      void write(sql, batch).finally(() => {
        writing--
        pump()
      })
    }
  }

  return (arrival) =>
    new Promise((done, failed) => {
      if (waiting.length >= MOST_WAITING) return failed(new Error('too much waits for the database'))
      waiting.push({ until: performance.now() + PATIENCE_MS, id: newId(), arrival, done, failed })
      // What arrives in the same turn of the event loop goes together.
      if (waiting.length === 1) setImmediate(pump)
    })
}

async function write(sql: Sql, batch: readonly Waiting[]): Promise<void> {
  try {
    const stored = await insert(sql, batch)
    for (const one of batch) if (stored.has(one.id)) one.done({ id: one.id, duplicate: false })
    await Promise.all(batch.filter((one) => !stored.has(one.id)).map((one) => again(sql, one)))
  } catch (error) {
    for (const one of batch) one.failed(error)
  }
}

async function insert(sql: Sql, batch: readonly Waiting[]): Promise<Set<string>> {
  const params = new Params()
  const rows = batch.map(({ id, arrival: { source, deliveryId, kind, body, lane, account } }) => {
    const values = [id, source, deliveryId, kind, body, lane ?? null, account ?? null]
    return `(${values.map((value) => params.add(value)).join(', ')})`
  })
  const text = `INSERT INTO inbound_event (id, source, delivery_id, kind, body, lane, account) VALUES ${rows.join(', ')}
    ON CONFLICT (source, delivery_id) WHERE duplicate_of IS NULL DO NOTHING RETURNING id`
  const result = await patiently(batch[0]?.until ?? 0, () => sql.query(text, params.values))
  return new Set(result.rows.map((row) => String(row['id'])))
}

/** Not stored: a delivery seen before, or one of ours whose commit we never heard of. */
async function again(sql: Sql, { until, id, arrival, done, failed }: Waiting): Promise<void> {
  try {
    const result = await patiently(until, () => sql.query(AGAIN, [id, arrival.source, arrival.deliveryId]))
    done({ id, duplicate: result.rows.length > 0 })
  } catch (error) {
    failed(error)
  }
}

/** The statements may be repeated: a row that is there already is left alone. */
async function patiently<T>(until: number, action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (!isDatabaseDown(error) || performance.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt, Math.random(), 100, 500)))
    }
  }
}
