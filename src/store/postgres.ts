import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { backoffMs } from '../core/retry.ts'
import { PrismaClient } from './generated/client.ts'
import { FOR_KEYS, isDatabaseDown, type Sql } from './sql.ts'

/** A PostgreSQL server, by its URL. */
export interface Postgres {
  readonly pool: pg.Pool
  readonly sql: Sql
  /** A few connections that belong to arriving events alone, and are kept open. */
  readonly ackSql: Sql
  readonly prisma: PrismaClient
  close(): Promise<void>
}

const ACK_CONNECTIONS = 2
/** More statements of one kind at once made nothing faster on two cores. */
const AT_ONCE = 4
/** How long a read is tried again while the database restarts. */
const READ_PATIENCE_MS = 20_000
const CONNECT_MS = 5000
const QUERY_MS = 60_000
const ACK_QUERY_MS = 5000

/** Connects to PostgreSQL. The first query tells whether it can be reached. */
export function openPostgres(url: string): Postgres {
  const pool = poolOf(url, 10)
  const ackPool = poolOf(url, ACK_CONNECTIONS, ACK_QUERY_MS)
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 5 }) })
  const close = async () => {
    await prisma.$disconnect()
    await Promise.all([pool.end(), ackPool.end()])
  }
  return { pool, sql: patient(sqlOf(pool, AT_ONCE)), ackSql: sqlOf(ackPool, ACK_CONNECTIONS), prisma, close }
}

function poolOf(url: string, max: number, queryMs = QUERY_MS): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    min: Math.min(max, ACK_CONNECTIONS),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    // A server that went away without a word is not waited for until TCP gives up.
    query_timeout: queryMs,
    application_name: 'muster',
    ...PREPARING,
  })
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {})
  return pool
}

/** What the pool waits for before anybody has a connection, whatever its types say. */
const PREPARING = {
  onConnect: async (client: pg.ClientBase): Promise<void> => {
    await client.query(FOR_KEYS)
  },
}

/** All columns of something; no product of two numbers. */
const STAR = /(?:\b(?:SELECT|RETURNING|DISTINCT)\s+|[.,]\s*)\*/i

/** Statements are prepared once a connection, under a name of their own. */
function sqlOf(pool: pg.Pool, atOnce: number): Sql {
  const names = new Map<string, { readonly name?: string }>()
  const nameFor = (text: string) => {
    const known = names.get(text)
    if (known) return known
    // A prepared `*` does not survive a migration that adds a column, which another process may run at any time.
    const named = STAR.test(text) ? {} : { name: `m${names.size}` }
    names.set(text, named)
    return named
  }
  return {
    atOnce,
    query: async (text, params) =>
      params
        ? pool.query<Record<string, unknown>>({ ...nameFor(text), text, values: [...params] })
        : pool.query<Record<string, unknown>>(text),
    exec: async (text) => void (await pool.query(text)),
  }
}

/** Reads wait for a database that restarts; writes are for the caller to repeat, who knows what repeating them means. */
function patient(sql: Sql): Sql {
  return {
    atOnce: sql.atOnce,
    exec: sql.exec,
    async query(text, params) {
      const until = performance.now() + READ_PATIENCE_MS
      for (let attempt = 1; ; attempt++) {
        try {
          return await sql.query(text, params)
        } catch (error) {
          const mayRepeat = /^\s*SELECT/i.test(text) && !/FOR (UPDATE|SHARE)/i.test(text)
          if (!mayRepeat || !isDatabaseDown(error) || performance.now() > until) throw error
          await new Promise((done) => setTimeout(done, backoffMs(attempt, Math.random(), 100, 1000)))
        }
      }
    },
  }
}
