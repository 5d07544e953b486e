import { FORMAT } from '../core/task/stored.ts'
import type { Sql } from './sql.ts'
import type { RateStore } from './types.ts'
import type { Fence, LeaseStore, ProcessStore } from '../leases/types.ts'
import { fromJson, jsonText } from './json.ts'
import type { RateState } from '../core/rate.ts'

// Expiry is by the database's clock alone: it does not matter what time a worker thinks it is.
const TTL = (parameter: string) => `clock_timestamp() + ${parameter} * interval '1 ms'`

const ANY_CRASHES = 1_000_000
/** Processes say every five seconds that they live; on another machine nothing else tells that one has ended. */
const SILENT = "interval '15 s'"
/** 1 where whoever had the lease ended with it: it is known to be dead, or said nothing any more, and did not give it back. */
const DIED = `CASE WHEN lease.holder = ANY($4) OR lease.holder <> '' AND NOT EXISTS (
    SELECT 1 FROM process p WHERE p.id = lease.holder AND p.seen_at > clock_timestamp() - ${SILENT}) THEN 1 ELSE 0 END`
const ACQUIRE = `INSERT INTO lease (name, token, holder, expires_at) VALUES ($1, nextval('fence'), $2, ${TTL('$3')})
  ON CONFLICT (name) DO UPDATE SET token = nextval('fence'), holder = $2, expires_at = ${TTL('$3')},
    crashes = lease.crashes + ${DIED}
  WHERE (lease.expires_at < clock_timestamp() OR lease.holder = ANY($4)) AND lease.crashes + ${DIED} < $5
  RETURNING token::text AS token, crashes`

/** Leases over plain SQL, each step one statement. */
export function leaseStore(sql: Sql): LeaseStore {
  return {
    async acquire(name, holder, ttlMs, dead, below = ANY_CRASHES) {
      const { rows } = await sql.query(ACQUIRE, [name, holder, ttlMs, dead, below])
      const [row] = rows
      return row && { token: String(row['token']), crashes: Number(row['crashes']) }
    },
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
      if (table === 'lease') await sql.query('DELETE FROM lease WHERE name = $1 AND token = $2::bigint', [name, token])
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
    // Locked by name, as commits do it, so that they do not wait for each other in a circle.
    `UPDATE ${table} t SET expires_at = ${TTL('$3')}
      FROM (SELECT l.name, l.token FROM ${table} l JOIN unnest($1::text[], $2::bigint[]) AS mine(name, token) USING (name, token)
        WHERE l.expires_at > clock_timestamp() ORDER BY l.name FOR UPDATE OF l) AS kept
      WHERE t.name = kept.name AND t.token = kept.token RETURNING t.name AS name, t.token::text AS token`,
    [fences.map((one) => one.name), fences.map((one) => one.token), ttlMs],
  )
  const kept = new Set(rows.map((row) => `${String(row['name'])} ${String(row['token'])}`))
  return fences.filter((one) => kept.has(`${one.name} ${one.token}`))
}

/** The condition that a claim still holds, for a statement of its own or as a part of one. */
export function holds(fence: Fence, name: string, token: string): string {
  return `SELECT 1 FROM ${fence.table} WHERE name = ${name} AND token = ${token}::bigint AND expires_at > clock_timestamp()`
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
