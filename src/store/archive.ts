import { exportTask } from './export.ts'
import type { Sql } from './sql.ts'
import type { ArchiveStore } from './types.ts'

/** What is old enough to leave the database; it is deleted only after somebody has kept it elsewhere. */
export function archiveStore(sql: Sql): ArchiveStore {
  return {
    async oldTasks(before, limit) {
      const { rows } = await sql.query(
        'SELECT id FROM task WHERE finished_at IS NOT NULL AND finished_at < $1 ORDER BY finished_at LIMIT $2',
        [before, limit],
      )
      const exports = await Promise.all(rows.map((row) => exportTask(sql, String(row['id']))))
      return exports.filter((one) => one !== undefined)
    },
    async deleteTasks(ids) {
      // One statement: a task goes with everything that is stored of it, or not at all. One that was taken up again stays.
      await sql.query(
        `WITH gone AS (DELETE FROM task WHERE id = ANY($1) AND finished_at IS NOT NULL RETURNING id),
          events AS (DELETE FROM task_event WHERE task_id IN (SELECT id FROM gone)),
          turns AS (DELETE FROM turn WHERE task_id IN (SELECT id FROM gone)),
          effects AS (DELETE FROM effect WHERE task_id IN (SELECT id FROM gone))
        DELETE FROM inbound_event WHERE task_id IN (SELECT id FROM gone)`,
        [ids],
      )
    },
    async oldEvents(before, limit) {
      const { rows } = await sql.query(
        `SELECT id, source, delivery_id, kind, received_at, encode(body, 'base64') AS body_base64, conversation_id, outcome, reason, detail, decided_at
          FROM inbound_event WHERE task_id IS NULL AND decided_at IS NOT NULL AND received_at < $1 ORDER BY received_at LIMIT $2`,
        [before, limit],
      )
      return rows
    },
    async deleteEvents(ids) {
      await sql.query('DELETE FROM inbound_event WHERE id = ANY($1) AND decided_at IS NOT NULL', [ids])
    },
  }
}
