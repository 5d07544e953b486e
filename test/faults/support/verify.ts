import type pg from 'pg'
import { exportTask, verifyExport } from '../../../src/store/export.ts'

/** Whether the histories of some tasks are whole, and give the stored states. */
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
  return problems
}
