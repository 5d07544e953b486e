import pg from 'pg'
import type { Settings } from '../config/env.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { asQueuePool, type Carrier } from '../queue/bullmq.ts'
import { databaseClock } from '../store/clock.ts'
import { migrate } from '../store/migrate.ts'
import { openPostgres } from '../store/postgres.ts'
import { openStore } from '../store/store.ts'
import type { Store } from '../store/types.ts'

const MIGRATIONS = new URL('../../prisma/migrations', import.meta.url).pathname

/** The database that the settings name, migrated, and what carries the queue. */
export interface Storage {
  readonly store: Store
  readonly carrier: Carrier
  /** Everything in the embedded database as one compressed file; undefined for a server, which has tools of its own. */
  readonly dump: (() => Promise<Blob>) | undefined
  close(): Promise<void>
}

type StorageSettings = Pick<Settings, 'databaseUrl' | 'dataDir'> & Partial<Pick<Settings, 'redisUrl'>>

export async function openStorage(settings: StorageSettings): Promise<Storage> {
  const { databaseUrl, redisUrl, dataDir } = settings
  return databaseUrl ? openServer(databaseUrl, redisUrl) : openEmbedded(dataDir, redisUrl)
}

/** Loaded where it is wanted: whoever has a server does not carry a database of its own. */
async function openEmbedded(dir: string, redisUrl: string | undefined): Promise<Storage> {
  const [{ openLite }, { LitePool }] = await Promise.all([import('../store/lite.ts'), import('../queue/litepool.ts')])
  const { lite, sql, ackSql, turnstile, prisma, close } = await openLite(dir)
  try {
    // Its folder is locked: nobody else is on it.
    await migrate(sql, MIGRATIONS, true)
    const clock = await databaseClock(sql)
    return {
      store: openStore({ prisma, sql, ackSql, clock }),
      carrier: redisUrl ? { kind: 'redis', url: redisUrl } : { kind: 'postgres', pool: new LitePool(lite, turnstile) },
      dump: () => lite.dumpDataDir('gzip'),
      close: async () => {
        clock.stop()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function openServer(url: string, redisUrl: string | undefined): Promise<Storage> {
  const { pool, sql, ackSql, prisma, close } = openPostgres(url)
  try {
    await migrateServer(pool)
    const clock = await databaseClock(sql)
    const queuePool = redisUrl ? undefined : queuePoolOf(url)
    return {
      store: openStore({ prisma, sql, ackSql, clock }),
      carrier:
        redisUrl || !queuePool
          ? { kind: 'redis', url: redisUrl ?? '' }
          : { kind: 'postgres', pool: asQueuePool(queuePool) },
      dump: undefined,
      close: async () => {
        clock.stop()
        await queuePool?.end()
        await close()
      },
    }
  } catch (error) {
    await close()
    if (error instanceof UserError) throw error
    throw new UserError('no_database', `The database cannot be used: ${messageOf(error)}.`, {
      hint: 'Check DATABASE_URL and that PostgreSQL runs there.',
      cause: error,
    })
  }
}

function queuePoolOf(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    options: '-c search_path=bullmq',
    application_name: 'muster',
  })
  pool.on('error', () => {})
  return pool
}

/** On one connection: the advisory lock belongs to the session. */
async function migrateServer(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await migrate(
      {
        atOnce: 1,
        query: (text, params) => client.query<Record<string, unknown>>(text, params ? [...params] : []),
        exec: async (text) => void (await client.query(text)),
      },
      MIGRATIONS,
    )
  } finally {
    client.release()
  }
}
