import type pg from 'pg'
import { environmentProblems } from '../../../src/core/environments/verify.ts'
import { environmentStore } from '../../../src/store/environments.ts'
import { exportTask, verifyExport } from '../../../src/store/export.ts'

/** Whether the histories of some tasks, and those of all environments, are whole, and give the stored states. */
export async function verifyMany(db: pg.Pool, limit: number): Promise<string[]> {
  const sql = {
    atOnce: 1,
    query: (text: string, params?: readonly unknown[]) =>
      db.query<Record<string, unknown>>(text, params ? [...params] : []),
    exec: async (text: string) => void (await db.query(text)),
  }
  const { rows } = await db.query<{ id: string }>('SELECT id FROM task ORDER BY random() LIMIT $1', [limit])
  const problems: string[] = []
  for (const { id } of rows) {
    const exported = await exportTask(sql, id)
    const verdict = exported && verifyExport(exported)
    if (!verdict?.ok) problems.push(`${id}: ${verdict?.problems.join('; ') ?? 'gone'}`)
  }
  const environments = environmentStore(sql)
  for (const loaded of await environments.list()) {
    const { key, version } = loaded.state
    problems.push(
      ...environmentProblems(loaded, await environments.events(key, 0, version)).map((one) => `${key}: ${one}`),
    )
  }
  return problems
}
