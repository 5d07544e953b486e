import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from './generated/client.ts'
import type { Sql } from './sql.ts'

/** A PostgreSQL server, by its URL. */
export interface Postgres {
  readonly pool: pg.Pool
  readonly sql: Sql
  readonly prisma: PrismaClient
  close(): Promise<void>
}

/** Connects to PostgreSQL. The first query tells whether it can be reached. */
export function openPostgres(url: string): Postgres {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {})
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 10 }) })
  const sql: Sql = {
    query: async (text, params) => pool.query<Record<string, unknown>>(text, params ? [...params] : []),
    exec: async (text) => void (await pool.query(text)),
  }
  const close = async () => {
    await prisma.$disconnect()
    await pool.end()
  }
  return { pool, sql, prisma, close }
}
