import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, UserError } from '../core/errors.ts'
import { isDead } from '../telemetry/process.ts'
import type { Sql } from './sql.ts'

// The advisory lock that `prisma migrate deploy` takes, so that both can be used on one database.
const LOCK = 72_707_369

const LEDGER = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`

/** How a migration begins after which processes of versions before cannot read what is written. */
const ALONE = '-- Alone:'

/**
 * Applies the migrations that the database lacks, in order: what `prisma migrate deploy` does, with its own ledger,
 * checksums and lock, but without its native engine.
 * @param isAlone nobody else can be on this database
 * @returns the names of those applied now
 * @throws UserError when an earlier migration failed half-way, or processes of a version before still work on the database
 */
export async function migrate(sql: Sql, dir: string, isAlone = false): Promise<string[]> {
  await sql.query('SELECT pg_advisory_lock($1)', [LOCK])
  try {
    await sql.exec(LEDGER)
    const done = await appliedMigrations(sql)
    const names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
    const missing = names.toSorted().filter((name) => !done.has(name))
    const texts = missing.map((name) => ({ name, text: readFileSync(join(dir, name, 'migration.sql'), 'utf8') }))
    if (!isAlone && done.size > 0 && texts.some(({ text }) => text.startsWith(ALONE))) await aloneOrThrow(sql)
    for (const { name, text } of texts) await apply(sql, name, text)
    return missing
  } finally {
    await sql.query('SELECT pg_advisory_unlock($1)', [LOCK])
  }
}

/** Nothing has been changed yet: whoever runs Muster stops the others and starts again. */
async function aloneOrThrow(sql: Sql): Promise<void> {
  const { rows: known } = await sql.query("SELECT to_regclass('process') IS NOT NULL AS known")
  if (known[0]?.['known'] !== true) return
  const { rows } = await sql.query(
    'SELECT id, host, kind, EXTRACT(EPOCH FROM clock_timestamp() - seen_at) * 1000 AS silent FROM process ORDER BY started_at',
  )
  const living = rows.filter(({ id, silent }) => !isDead(String(id), Number(silent)))
  if (living.length === 0) return
  const who = living.map(({ kind, host }) => `${String(kind)} on ${String(host).split('~', 1).join()}`).join(', ')
  throw new UserError('older_process', `Processes of the version before still run on this database: ${who}.`, {
    hint: 'They cannot read what this version writes. Stop all of them, then start this one; nothing has been changed yet.',
  })
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
