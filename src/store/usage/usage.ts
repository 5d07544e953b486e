import type { Sql } from '../sql.ts'
import type { OutcomeRow, UsageStore, UsageRow } from './types.ts'

const USAGE = `SELECT coalesce(provider, 'anthropic') AS provider, model, tier, split_part(coalesce(prompt, ''), '@', 1) AS prompt,
  count(*)::int AS turns, sum(input_tokens)::float8 AS input, sum(coalesce(cache_read_tokens, 0))::float8 AS cached,
  sum(coalesce(cache_write_tokens, 0))::float8 AS written, sum(output_tokens)::float8 AS output, sum(cost_usd)::float8 AS usd,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS median_ms
  FROM turn WHERE at >= to_timestamp($1::float8 / 1000) GROUP BY 1, 2, 3, 4 ORDER BY usd DESC`

// A task counts for the model that most of its money went to.
const OUTCOMES = `WITH spent AS (
    SELECT task_id, coalesce(provider, 'anthropic') AS provider, model, sum(cost_usd) AS usd FROM turn GROUP BY 1, 2, 3),
  main AS (SELECT DISTINCT ON (task_id) task_id, provider, model FROM spent ORDER BY task_id, usd DESC, model)
  SELECT repository, provider, model, count(*)::int AS tasks, count(*) FILTER (WHERE state->>'merged' IS NOT NULL)::int AS merged,
    count(*) FILTER (WHERE status IN ('cancelled', 'handed_off'))::int AS failed, sum(cost_usd)::float8 AS usd
  FROM task JOIN main ON main.task_id = task.id
  WHERE workflow = 'change' AND finished_at >= to_timestamp($1::float8 / 1000) GROUP BY 1, 2, 3 ORDER BY usd DESC`

type Row = Readonly<Record<string, unknown>>

/** What models were asked, and what came of it: read from the turns and tasks that there are. */
export function usageStore(sql: Sql): UsageStore {
  return {
    async turns(since) {
      const { rows } = await sql.query(USAGE, [since])
      return rows.map(usageOf)
    },
    async outcomes(since) {
      const { rows } = await sql.query(OUTCOMES, [since])
      return rows.map(outcomeOf)
    },
  }
}

const textOr = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

function usageOf(row: Row): UsageRow {
  return {
    provider: String(row['provider']),
    model: String(row['model']),
    tier: textOr(row['tier']),
    prompt: textOr(row['prompt']),
    turns: Number(row['turns']),
    inputTokens: Number(row['input']),
    cacheReadTokens: Number(row['cached']),
    cacheWriteTokens: Number(row['written']),
    outputTokens: Number(row['output']),
    usd: Number(row['usd']),
    medianMs: row['median_ms'] === null ? undefined : Number(row['median_ms']),
  }
}

function outcomeOf(row: Row): OutcomeRow {
  return {
    repository: String(row['repository']),
    provider: String(row['provider']),
    model: String(row['model']),
    tasks: Number(row['tasks']),
    merged: Number(row['merged']),
    failed: Number(row['failed']),
    usd: Number(row['usd']),
  }
}
