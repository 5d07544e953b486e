import type { AnswerStore } from '../llm/types.ts'
import { jsonText } from './json.ts'
import type { Sql } from './sql.ts'

/** Answers that are given again. What has expired goes when something is kept. */
export function answerStore(sql: Sql): AnswerStore {
  return {
    async find(key) {
      const { rows } = await sql.query(
        'SELECT reply::text AS reply FROM model_answer WHERE key = $1 AND until > clock_timestamp()',
        [key],
      )
      const [row] = rows
      return row && (JSON.parse(String(row['reply'])) as unknown)
    },
    async keep(key, reply, ms) {
      await sql.query('DELETE FROM model_answer WHERE until < clock_timestamp()', [])
      await sql.query(
        `INSERT INTO model_answer (key, reply, until) VALUES ($1, $2::jsonb, clock_timestamp() + $3 * interval '1 ms')
          ON CONFLICT (key) DO UPDATE SET reply = EXCLUDED.reply, until = EXCLUDED.until`,
        [key, jsonText(reply), ms],
      )
    },
  }
}
