import type { PgPool } from 'bullmq'
import pg from 'pg'
import type { Settings } from '../config/env.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { asQueuePool } from '../queue/bullmq.ts'
import { LitePool } from '../queue/litepool.ts'
import { openLite } from '../store/lite.ts'
import { migrate } from '../store/migrate.ts'
import { openPostgres } from '../store/postgres.ts'
import { prismaStore } from '../store/store.ts'
import type { Store } from '../store/types.ts'

const MIGRATIONS = new URL('../../prisma/migrations', import.meta.url).pathname

/** The database that the settings name, migrated, with a pool for the queue. */
export interface Storage {
  readonly store: Store
  readonly queuePool: PgPool
  /** Only this process works on it: what an earlier one left running is free to be taken up at once. */
  readonly exclusive: boolean
  close(): Promise<void>
}

export async function openStorage(settings: Pick<Settings, 'databaseUrl' | 'dataDir'>): Promise<Storage> {
  return settings.databaseUrl ? openServer(settings.databaseUrl) : openEmbedded(settings.dataDir)
}

async function openEmbedded(dir: string): Promise<Storage> {
  const lite = await openLite(dir)
  try {
    await migrate(lite.sql, MIGRATIONS)
  } catch (error) {
    await lite.close()
    throw error
  }
  return {
    store: prismaStore(lite.prisma, lite.sql),
    queuePool: new LitePool(lite.lite),
    exclusive: true,
    close: lite.close,
  }
}

async function openServer(url: string): Promise<Storage> {
  const postgres = openPostgres(url)
  try {
    await migrateServer(postgres.pool)
  } catch (error) {
    await postgres.close()
    if (error instanceof UserError) throw error
    throw new UserError('no_database', `The database cannot be used: ${messageOf(error)}.`, {
      hint: 'Check DATABASE_URL and that PostgreSQL runs there.',
      cause: error,
    })
  }
  const queuePool = new pg.Pool({ connectionString: url, max: 10, options: '-c search_path=bullmq' })
  queuePool.on('error', () => {})
  const close = async () => {
    await queuePool.end()
    await postgres.close()
  }
  return {
    store: prismaStore(postgres.prisma, postgres.sql),
    queuePool: asQueuePool(queuePool),
    exclusive: true,
    close,
  }
}

/** On one connection: the advisory lock belongs to the session. */
async function migrateServer(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await migrate(
      {
        query: (text, params) => client.query<Record<string, unknown>>(text, params ? [...params] : []),
        exec: async (text) => void (await client.query(text)),
      },
      MIGRATIONS,
    )
  } finally {
    client.release()
  }
}
