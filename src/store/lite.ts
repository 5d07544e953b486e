import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { lockFolder } from './lock.ts'
import { PrismaClient } from './generated/client.ts'
import { FOR_KEYS, type Sql } from './sql.ts'
import { Turnstile } from './turnstile.ts'

/** The embedded database: PostgreSQL in this process, in a folder that only this process may use. */
export interface Lite {
  readonly lite: PGlite
  readonly sql: Sql
  /** For arriving events: they take turns with everything else. */
  readonly ackSql: Sql
  readonly turnstile: Turnstile
  readonly prisma: PrismaClient
  close(): Promise<void>
}

/** Opens (or makes) the embedded database under `dir`. @param backup what a new one begins with */
export async function openLite(dir: string, backup?: Blob): Promise<Lite> {
  const unlock = lockFolder(dir)
  try {
    const lite = await PGlite.create(join(dir, 'db'), {
      ...(backup ? { loadDataDir: backup } : {}),
      startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
    })
    // One session serves Muster's tables and BullMQ's, which looks its own up by the search path.
    await lite.exec(`SET search_path TO public, bullmq; ${FOR_KEYS}`)
    const prisma = new PrismaClient({
      adapter: new PrismaPGlite(lite),
      transactionOptions: { maxWait: 30_000, timeout: 30_000 },
    })
    const turnstile = new Turnstile()
    return {
      lite,
      sql: sqlOf(lite, turnstile, false),
      ackSql: sqlOf(lite, turnstile, true),
      turnstile,
      prisma,
      close: () => closeAll(lite, prisma, unlock),
    }
  } catch (error) {
    unlock()
    throw error
  }
}

function sqlOf(lite: PGlite, turnstile: Turnstile, urgent: boolean): Sql {
  return {
    atOnce: 1,
    query: async (text, params) =>
      turnstile.run(urgent, () => lite.query<Record<string, unknown>>(text, params ? [...params] : [])),
    exec: async (text) => void (await turnstile.run(urgent, () => lite.exec(text))),
  }
}

async function closeAll(lite: PGlite, prisma: PrismaClient, unlock: () => void): Promise<void> {
  await prisma.$disconnect()
  await lite.close()
  unlock()
}
