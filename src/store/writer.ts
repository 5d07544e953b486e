import { newId } from './ids.ts'
import type { Arrival } from '../core/inbound.ts'
import { backoffMs } from '../core/retry.ts'
import { gathered } from './gather.ts'
import { isDatabaseDown, Params, type Sql } from './sql.ts'

/** More than this is turned away at once: whoever sent it asks again later. */
const MOST_WAITING = 10_000
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
}

/** Stores arrivals, those that come together in one statement. @returns a function that resolves when its arrival is committed: nobody is answered before */
export function inboxWriter(sql: Sql): (arrival: Arrival) => Promise<{ id: string; duplicate: boolean }> {
  const insert = gathered({
    atOnce: sql.atOnce,
    run: (batch: readonly Waiting[]) => insertAll(sql, batch),
    limit: MOST_WAITING,
  })
  return async (arrival) => {
    const one = { until: performance.now() + PATIENCE_MS, id: newId(), arrival }
    const became = await insert(one)
    if (became === 'late') throw new Error('the database did not answer in time')
    return { id: one.id, duplicate: became === 'known' && (await again(sql, one)) }
  }
}

async function insertAll(sql: Sql, batch: readonly Waiting[]): Promise<('stored' | 'known' | 'late')[]> {
  const now = performance.now()
  const due = batch.filter(({ until }) => until >= now)
  const stored = due.length > 0 ? await storedOf(sql, due) : new Set()
  return batch.map((one) => (one.until < now ? 'late' : stored.has(one.id) ? 'stored' : 'known'))
}

async function storedOf(sql: Sql, batch: readonly Waiting[]): Promise<Set<string>> {
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
async function again(sql: Sql, { until, id, arrival }: Waiting): Promise<boolean> {
  const result = await patiently(until, () => sql.query(AGAIN, [id, arrival.source, arrival.deliveryId]))
  return result.rows.length > 0
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
