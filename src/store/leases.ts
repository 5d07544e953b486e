import { FORMAT } from '../core/task/stored.ts'
import { gathered } from './gather.ts'
import type { Sql } from './sql.ts'
import type { RateStore } from './types.ts'
import type { Fence, LeaseStore, ProcessStore } from '../leases/types.ts'
import { fromJson, jsonText } from './json.ts'
import type { RateState } from '../core/rate.ts'

// Expiry is by the database's clock alone: it does not matter what time a worker thinks it is.
const TTL = (ms: string) => `clock_timestamp() + ${ms} * interval '1 ms'`

const ANY_CRASHES = 1_000_000
/** Processes say every five seconds that they live; on another machine nothing else tells that one has ended. */
const SILENT = "interval '15 s'"
/** Claims of ours, $1 their names and $2 their tokens; locked by name, as commits do it, so that nobody waits in a circle. */
const MINE = (
  table: Fence['table'],
  and = '',
) => `SELECT l.name, l.token FROM ${table} l JOIN unnest($1::text[], $2::bigint[]) AS held(name, token) USING (name, token)
  WHERE l.name = ANY($1) ${and} ORDER BY l.name FOR UPDATE OF l`
/** What was asked for of the lease that is there already. */
const ASKED = (column: string) => `(SELECT ${column} FROM asked WHERE asked.name = lease.name)`
/** 1 where whoever had the lease ended with it: it is known to be dead, or said nothing any more, and did not give it back. */
const DIED = `CASE WHEN lease.holder = ANY(${ASKED('dead')}::text[]) OR lease.holder <> '' AND NOT EXISTS (
    SELECT 1 FROM process p WHERE p.id = lease.holder AND p.seen_at > clock_timestamp() - ${SILENT}) THEN 1 ELSE 0 END`
const ACQUIRE = `WITH asked AS (SELECT name, holder, ttl, dead, below FROM jsonb_to_recordset($1::jsonb) AS a(name text, holder text, ttl double precision, dead text[], below int))
  INSERT INTO lease (name, token, holder, expires_at) SELECT name, nextval('fence'), holder, ${TTL('ttl')} FROM asked ORDER BY name
  ON CONFLICT (name) DO UPDATE SET token = nextval('fence'), holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at,
    crashes = lease.crashes + ${DIED}
  WHERE (lease.expires_at < clock_timestamp() OR lease.holder = ANY(${ASKED('dead')}::text[])) AND lease.crashes + ${DIED} < ${ASKED('below')}
  RETURNING name, token::text AS token, crashes`
const RELEASE = `DELETE FROM lease l USING (${MINE('lease')}) AS mine WHERE l.name = mine.name AND l.token = mine.token`

type Asked = Parameters<LeaseStore['acquire']>

async function acquireAll(
  sql: Sql,
  batch: readonly Asked[],
): Promise<({ token: string; crashes: number } | undefined)[]> {
  const asked = batch.map(([name, holder, ttl, dead, below = ANY_CRASHES]) => ({ name, holder, ttl, dead, below }))
  const { rows } = await sql.query(ACQUIRE, [jsonText(asked)])
  const got = new Map(rows.map((row) => [String(row['name']), row]))
  return batch.map(([name]) => {
    const row = got.get(name)
    return row && { token: String(row['token']), crashes: Number(row['crashes']) }
  })
}

async function releaseAll(sql: Sql, batch: readonly Fence[]): Promise<readonly Fence[]> {
  await sql.query(RELEASE, [batch.map(({ name }) => name), batch.map(({ token }) => token)])
  return batch
}

/** Leases over plain SQL, each step one statement; those that are asked for at once share it. */
export function leaseStore(sql: Sql): LeaseStore {
  const acquire = gathered({
    atOnce: sql.atOnce,
    run: (batch: readonly Asked[]) => acquireAll(sql, batch),
    keysOf: ([name]) => [name],
  })
  const release = gathered({ atOnce: sql.atOnce, run: (batch: readonly Fence[]) => releaseAll(sql, batch) })
  return {
    acquire: (...asked) => acquire(asked),
    async holder(name) {
      const { rows } = await sql.query('SELECT holder FROM lease WHERE name = $1', [name])
      return rows[0] && String(rows[0]['holder'])
    },
    async live(names, dead) {
      const { rows } = await sql.query(
        'SELECT name FROM lease WHERE name = ANY($1) AND expires_at > clock_timestamp() AND NOT holder = ANY($2)',
        [names, dead],
      )
      return new Set(rows.map((row) => String(row['name'])))
    },
    async renew(fences, ttlMs) {
      const tables = ['lease', 'effect_lane'] as const
      const renewed = await Promise.all(
        tables.map((table) =>
          renewIn(
            sql,
            table,
            fences.filter((one) => one.table === table),
            ttlMs,
          ),
        ),
      )
      return renewed.flat()
    },
    async forgive({ name, token }) {
      await sql.query('UPDATE lease SET crashes = 0 WHERE name = $1 AND token = $2::bigint', [name, token])
    },
    async postpone({ name, token }) {
      await sql.query(
        "UPDATE lease SET expires_at = clock_timestamp() - interval '1 s', holder = '' WHERE name = $1 AND token = $2::bigint",
        [name, token],
      )
    },
    async release({ table, name, token }) {
      if (table === 'lease') await release({ table, name, token })
      else
        await sql.query(
          'UPDATE effect_lane SET holder = NULL, expires_at = NULL WHERE name = $1 AND token = $2::bigint',
          [name, token],
        )
    },
  }
}

async function renewIn(sql: Sql, table: Fence['table'], fences: readonly Fence[], ttlMs: number): Promise<Fence[]> {
  if (fences.length === 0) return []
  const { rows } = await sql.query(
    `UPDATE ${table} t SET expires_at = ${TTL('$3')} FROM (${MINE(table, 'AND l.expires_at > clock_timestamp()')}) AS kept
      WHERE t.name = kept.name AND t.token = kept.token RETURNING t.name AS name, t.token::text AS token`,
    [fences.map((one) => one.name), fences.map((one) => one.token), ttlMs],
  )
  const kept = new Set(rows.map((row) => `${String(row['name'])} ${String(row['token'])}`))
  return fences.filter((one) => kept.has(`${one.name} ${one.token}`))
}

/** The condition that a claim still holds, on a row of its table. */
export const HELD = (row: string, name: string, token: string) =>
  `${row}.name = ${name} AND ${row}.token = ${token}::bigint AND ${row}.expires_at > clock_timestamp()`

/** The same for a statement of its own or as a part of one. */
export function holds(fence: Fence, name: string, token: string): string {
  return `SELECT 1 FROM ${fence.table} l WHERE ${HELD('l', name, token)}`
}

export function processStore(sql: Sql): ProcessStore {
  return {
    async beat({ id, host, kind, version }) {
      await sql.query(
        `INSERT INTO process (id, host, kind, version, format) VALUES ($1, $2, $3, $4, $5)
          ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()`,
        [id, host, kind, version, FORMAT],
      )
      await sql.query("DELETE FROM process WHERE seen_at < clock_timestamp() - interval '7 days'", [])
    },
    async list() {
      const { rows } = await sql.query(
        `SELECT id, host, kind, version, started_at, seen_at, EXTRACT(EPOCH FROM clock_timestamp() - seen_at) * 1000 AS silent FROM process ORDER BY started_at`,
        [],
      )
      return rows.map((row) => ({
        id: String(row['id']),
        host: String(row['host']),
        kind: String(row['kind']),
        version: String(row['version']),
        startedAt: fromJson<Date>(row['started_at']),
        seenAt: fromJson<Date>(row['seen_at']),
        silentMs: Number(row['silent']),
      }))
    },
    async leave(id) {
      await sql.query('DELETE FROM process WHERE id = $1', [id])
    },
  }
}

export function rateStore(sql: Sql): RateStore {
  return {
    async get(account) {
      const { rows } = await sql.query('SELECT version, state FROM rate WHERE account = $1', [account])
      const [row] = rows
      return row && { version: Number(row['version']), state: fromJson<RateState>(row['state']) }
    },
    async set(account, basedOn, state) {
      const text =
        basedOn === 0
          ? 'INSERT INTO rate (account, version, state) VALUES ($1, $2 + 1, $3::jsonb) ON CONFLICT DO NOTHING RETURNING version'
          : 'UPDATE rate SET version = $2 + 1, state = $3::jsonb WHERE account = $1 AND version = $2 RETURNING version'
      const { rows } = await sql.query(text, [account, basedOn, jsonText(state)])
      return rows.length > 0
    },
  }
}
