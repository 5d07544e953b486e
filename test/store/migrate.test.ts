import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lite, openLite } from '../../src/store/lite.ts'
import { processStore } from '../../src/store/leases.ts'
import { migrate } from '../../src/store/migrate.ts'
import { hostName, processName } from '../../src/telemetry/process.ts'
import { restoreDatabase } from '../support/restore.ts'

const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))
const OLD = 'INSERT INTO process (id, host, kind, version) VALUES ($1, $2, $3, $4)'

describe('a migration after which older processes cannot read what is written', () => {
  let lite: Lite
  const dir = mkdtempSync(join(tmpdir(), 'muster-migrate-'))
  beforeAll(async () => {
    lite = await openLite(dir)
    await restoreDatabase(lite.sql, {})
  })
  afterAll(async () => {
    await lite.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const columns = async () => {
    const { rows } = await lite.sql.query(
      "SELECT column_name FROM information_schema.columns WHERE table_name = 'process'",
    )
    return rows.map((row) => row['column_name'])
  }

  it('waits for nobody and changes nothing while one of them lives, and names it', async () => {
    await lite.sql.query(OLD, [processName(), hostName(), 'worker', '0.1.0'])
    await expect(migrate(lite.sql, MIGRATIONS)).rejects.toMatchObject({
      code: 'older_process',
      message: expect.stringMatching(/still run on this database: worker on \S+\.$/),
      hint: expect.stringContaining('nothing has been changed yet'),
    })
    expect(await columns()).not.toContain('format')
    await lite.sql.query('DELETE FROM process')
  })

  it('also where it is on another machine, as long as it was seen a minute ago', async () => {
    await lite.sql.query(OLD, ['elsewhere|1|2|3', 'elsewhere', 'worker', '0.1.0'])
    await expect(migrate(lite.sql, MIGRATIONS)).rejects.toMatchObject({ code: 'older_process' })
    await lite.sql.query("UPDATE process SET seen_at = seen_at - interval '2 minutes'")
  })

  it('goes on once they have ended, and sends away whichever is started later', async () => {
    // One that was killed on this machine leaves its row behind.
    await lite.sql.query(OLD, [`${hostName()}|4194300|1|x`, hostName(), 'worker', '0.1.0'])
    expect(await migrate(lite.sql, MIGRATIONS)).toContain('0008_gates')
    expect(await columns()).toContain('format')
    const late = lite.sql.query(OLD, [processName(), hostName(), 'worker', '0.1.0'])
    await expect(late).rejects.toThrow(/newer version of Muster/)
    const name = processName()
    await processStore(lite.sql).beat({ id: name, host: hostName(), kind: 'worker', version: 'now' })
    expect((await processStore(lite.sql).list()).map(({ id }) => id)).toContain(name)
    expect(await migrate(lite.sql, MIGRATIONS)).toEqual([])
  })

  it('takes nothing of one that was cut off for so long that it was taken to have ended', async () => {
    const values = "('t', 'c', 'working', 'change', 'x', 'a/b', '{}', 1"
    const columns = 'id, conversation_id, status, workflow, title, repository, state, version'
    await expect(lite.sql.query(`INSERT INTO task (${columns}) VALUES ${values})`)).rejects.toThrow(/stamp/)
    await lite.sql.query(`INSERT INTO task (${columns}, stamp) VALUES ${values}, 1)`)
    // As it writes: its own version, and nothing of the stamp.
    await expect(lite.sql.query('UPDATE task SET version = 2')).rejects.toThrow(/task_stamp/)
    await lite.sql.query('UPDATE task SET version = 2, stamp = 2')
  })
})
