import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PrismaPGlite } from 'pglite-prisma-adapter'
import { lockFolder } from './lock.ts'
import { PrismaClient } from './generated/client.ts'
import type { Sql } from './sql.ts'

/** The embedded database: PostgreSQL in this process, in a folder that only this process may use. */
export interface Lite {
  readonly lite: PGlite
  readonly sql: Sql
  readonly prisma: PrismaClient
  close(): Promise<void>
}

/** Opens (or makes) the embedded database under `dir`. */
export async function openLite(dir: string): Promise<Lite> {
  const unlock = lockFolder(dir)
  try {
    const lite = await PGlite.create(join(dir, 'db'), {
      startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
    })
    // One session serves Muster's tables and BullMQ's, which looks its own up by the search path.
    await lite.exec('SET search_path TO public, bullmq')
    const prisma = new PrismaClient({
      adapter: new PrismaPGlite(lite),
      transactionOptions: { maxWait: 30_000, timeout: 30_000 },
    })
    return { lite, sql: sqlOf(lite), prisma, close: () => closeAll(lite, prisma, unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}

function sqlOf(lite: PGlite): Sql {
  return {
    query: async (text, params) => ({
      rows: (await lite.query<Record<string, unknown>>(text, params ? [...params] : [])).rows,
    }),
    exec: async (text) => void (await lite.exec(text)),
  }
}

async function closeAll(lite: PGlite, prisma: PrismaClient, unlock: () => void): Promise<void> {
  await prisma.$disconnect()
  await lite.close()
  unlock()
}
