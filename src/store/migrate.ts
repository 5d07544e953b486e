import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, UserError } from '../core/errors.ts'
import type { Sql } from './sql.ts'

// The advisory lock that `prisma migrate deploy` takes, so that both can be used on one database.
const LOCK = 72_707_369

const LEDGER = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`

/**
 * Applies the migrations that the database lacks, in order: what `prisma migrate deploy` does, with its own ledger,
 * checksums and lock, but without its native engine.
 * @returns the names of those applied now
 * @throws UserError when an earlier migration failed half-way
 */
export async function migrate(sql: Sql, dir: string): Promise<string[]> {
  await sql.query('SELECT pg_advisory_lock($1)', [LOCK])
  try {
    await sql.exec(LEDGER)
    const done = await appliedMigrations(sql)
    const names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    const missing = names.toSorted().filter((name) => !done.has(name))
    for (const name of missing) await apply(sql, name, readFileSync(join(dir, name, 'migration.sql'), 'utf8'))
    return missing
  } finally {
    await sql.query('SELECT pg_advisory_unlock($1)', [LOCK])
  }
}

async function appliedMigrations(sql: Sql): Promise<Set<string>> {
  const { rows } = await sql.query(
    'SELECT migration_name, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  )
  const failed = rows.find((row) => row['finished_at'] === null)
  if (failed)
    throw new UserError('migration_failed', `The migration ${String(failed['migration_name'])} failed half-way.`, {
      hint: 'Restore the backup, or resolve it with `prisma migrate resolve`, then start again.',
    })
  return new Set(rows.map((row) => String(row['migration_name'])))
}

async function apply(sql: Sql, name: string, text: string): Promise<void> {
  const id = randomUUID()
  const checksum = createHash('sha256').update(text).digest('hex')
  await sql.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    checksum,
    name,
  ])
  try {
    await sql.exec(text)
  } catch (error) {
    await sql.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, messageOf(error)])
    throw error
  }
  await sql.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id])
}
