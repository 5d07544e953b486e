import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../src/store/migrate.ts'
import type { Sql } from '../../src/store/sql.ts'

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

/** Rows as they were, into a database that is migrated as far as their version was. @param until the last migration of then */
export async function restoreDatabase(sql: Sql, tables: Record<string, object[]>, until = '0007'): Promise<void> {
  const then = mkdtempSync(join(tmpdir(), 'muster-migrations-'))
  for (const name of readdirSync(MIGRATIONS))
    if (/^\d/.test(name) && name.slice(0, 4) <= until)
      cpSync(join(MIGRATIONS, name), join(then, name), { recursive: true })
  await migrate(sql, then)
  rmSync(then, { recursive: true })
  for (const [table, rows] of Object.entries(tables))
    await sql.query(`INSERT INTO "${table}" SELECT * FROM json_populate_recordset(NULL::"${table}", $1::json)`, [
      JSON.stringify(rows),
    ])
  await restartSequences(sql)
}

/** What is counted goes on after what is there. */
async function restartSequences(sql: Sql): Promise<void> {
  const { rows } = await sql.query("SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public'")
  for (const { name } of rows) await sql.query(`SELECT setval('${String(name)}', 1000000)`)
}
