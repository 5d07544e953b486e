import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Fence } from '../../src/leases/types.ts'
import { openStorage, type Storage } from '../../src/operate/storage.ts'

/** A database for one test file, and how to get rid of it. */
export interface TestDatabase {
  readonly storage: Storage
  /** Undefined for the embedded one. */
  readonly url?: string
  drop(): Promise<void>
}

export const SERVER_URL = process.env['DATABASE_URL'] ?? 'postgresql://postgres@127.0.0.1:5432/postgres'

/** Whether a PostgreSQL server answers. In CI it must; elsewhere its tests are skipped, saying so. */
export async function hasPostgres(): Promise<boolean> {
  const client = new pg.Client({ connectionString: SERVER_URL, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.end()
    return true
  } catch (error) {
    if (process.env['CI']) throw new Error('PostgreSQL is needed in CI', { cause: error })
    process.stderr.write(`skipped: no PostgreSQL at ${SERVER_URL.replace(/:[^:@/]*@/, ':…@')}\n`)
    return false
  }
}

export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

/** Whether a Redis server answers, as for PostgreSQL. */
export async function hasRedis(): Promise<boolean> {
  const client = new Redis(REDIS_URL, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    if (process.env['CI']) throw new Error('Redis is needed in CI', { cause: error })
    process.stderr.write('skipped: no Redis\n')
    return false
  } finally {
    client.disconnect()
  }
}

export async function embedded(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'muster-test-'))
  const storage = await openStorage({ databaseUrl: undefined, dataDir })
  return {
    storage,
    drop: async () => {
      await storage.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export async function server(): Promise<TestDatabase> {
  const name = `muster_test_${randomUUID().replaceAll('-', '')}`
  await admin(`CREATE DATABASE ${name}`)
  const url = new URL(SERVER_URL)
  url.pathname = `/${name}`
  const storage = await openStorage({ databaseUrl: url.href, dataDir: tmpdir() })
  return {
    storage,
    url: url.href,
    drop: async () => {
      await storage.close()
      await admin(`DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

async function admin(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER_URL })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** A claim on an environment, as a deploy has it. */
export async function fenceOf(db: TestDatabase, name = 'env:acme/shop:production'): Promise<Fence> {
  const { leases, processes } = db.storage.store
  await processes.beat({ id: 'here~1~1', host: 'here', kind: 'test', version: '0' })
  const got = await leases.acquire(name, 'here~1~1', 3_600_000, ['here~1~1'])
  if (!got) throw new Error(`somebody has ${name}`)
  return { table: 'lease', name, token: got.token }
}
