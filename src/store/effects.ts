import { newId } from './ids.ts'
import type { EffectBody, EffectResult } from '../core/effects.ts'
import { effectRow, EFFECTS_UPSERT, laneRows, LANES_UPSERT } from './effectrows.ts'
import { gatheredRows } from './gather.ts'
import { fromJson, jsonText } from './json.ts'
import { settling } from './settling.ts'
import type { Sql } from './sql.ts'
import {
  type ClaimQuery,
  type EffectStatus,
  type EffectStore,
  LANE_BATCH,
  type LaneClaim,
  type StoredEffect,
} from './types.ts'

/** Durable out. An upsert that is asked for again gets a new revision; anything else is there once. */

const OPEN = "status IN ('intent', 'sent', 'unknown')"

/** What is read of an effect, by name: a star would not be prepared. */
const EFFECT_COLUMNS =
  'e.id, e.scope, e.key, e.conversation_id, e.task_id, e.lane, e.payload, e.status, e.revision, e.result, e.attempts, e.not_before, e.sent_at, e.created_at, e.since'

/** The first open effects of the lanes that $1 names, in order. */
const OPEN_IN = `SELECT n.name AS asked, ${EFFECT_COLUMNS} FROM unnest($1::text[]) AS n(name)
  CROSS JOIN LATERAL (SELECT ${EFFECT_COLUMNS} FROM effect e WHERE lane = n.name AND ${OPEN} ORDER BY ordinal LIMIT ${LANE_BATCH}) AS e`

/**
 * Free lanes that are due: of every account the most urgent first, and the first of each before the second of any. The accounts are
 * walked along the index, so that it takes as long as there are accounts with something to do, however much waits in each.
 */
const CLAIM = `WITH RECURSIVE account AS (
    (SELECT account FROM effect_lane ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT l.account FROM effect_lane l WHERE l.account > a.account ORDER BY l.account LIMIT 1) FROM account a WHERE a.account IS NOT NULL),
  due AS (SELECT l.name, l.priority, l.due_at, row_number() OVER (PARTITION BY a.account ORDER BY l.priority, l.due_at) AS turn
    FROM account a CROSS JOIN LATERAL (SELECT name, priority, due_at FROM effect_lane WHERE account = a.account AND due_at <= $1
        AND (holder IS NULL OR expires_at < clock_timestamp() OR holder = ANY($2))
      ORDER BY priority, due_at LIMIT LEAST($4::int, $7::int)) AS l
    WHERE NOT a.account = ANY($3)),
  picked AS (SELECT l.name FROM effect_lane l JOIN due USING (name) ORDER BY due.turn, due.priority, due.due_at LIMIT $4::int FOR UPDATE OF l SKIP LOCKED)
  UPDATE effect_lane l SET token = nextval('fence'), holder = $5, expires_at = clock_timestamp() + $6 * interval '1 ms'
  FROM picked WHERE l.name = picked.name AND (l.holder IS NULL OR l.expires_at < clock_timestamp() OR l.holder = ANY($2))
  RETURNING l.name AS name, l.account AS account, l.token::text AS token, l.bumps::text AS bumps, l.priority AS priority`

export function effectStore(sql: Sql): EffectStore {
  return {
    async add(scope, conversationId, taskId, effects) {
      const rows = effects.map((intent) => effectRow(newId(), scope, conversationId, taskId, intent))
      await sql.query(`WITH effects AS (${EFFECTS_UPSERT('$1', 'WHERE true')}) ${LANES_UPSERT('$2', 'WHERE true')}`, [
        jsonText(rows),
        jsonText(laneRows(rows)),
      ])
    },
    claim: (query) => claim(sql, query),
    lane: laneReader(sql),
    ...settling(sql),
    repair: (limit) => repair(sql, limit),
    reopen: (id) => reopen(sql, id),
    async drop(id) {
      const { rows } = await sql.query(
        "UPDATE effect SET status = 'dropped' WHERE id = $1 AND status = 'failed' RETURNING id",
        [id],
      )
      return rows.length > 0
    },
  }
}

async function claim(sql: Sql, query: ClaimQuery): Promise<LaneClaim[]> {
  const { now, dead, without, perAccount, limit, holder, ttlMs } = query
  const { rows } = await sql.query(CLAIM, [now, dead, without, limit, holder, ttlMs, perAccount])
  if (rows.length === 0) return []
  const effects = await sql.query(OPEN_IN, [rows.map((row) => String(row['name']))])
  const byLane = Map.groupBy(effects.rows, (row) => String(row['asked']))
  return rows
    .toSorted((a, b) => Number(a['priority']) - Number(b['priority']))
    .map((row) => ({
      name: String(row['name']),
      account: String(row['account']),
      token: String(row['token']),
      bumps: String(row['bumps']),
      effects: (byLane.get(String(row['name'])) ?? []).map(effectOf),
    }))
}

/** How often a lane was added to, and what is open in it. */
function laneReader(sql: Sql): EffectStore['lane'] {
  const bumpsOf = gatheredRows(sql, 'SELECT name AS asked, bumps::text AS bumps FROM effect_lane WHERE name = ANY($1)')
  const openIn = gatheredRows(sql, OPEN_IN)
  return async (name) => {
    // The count first: what is added in between is noticed when the lane is left.
    const [row] = await bumpsOf(name)
    return { bumps: row ? String(row['bumps']) : '0', effects: (await openIn(name)).map(effectOf) }
  }
}

/** What an older version wrote has no lane; and a lane that is gone while something is open in it is made again. */
async function repair(sql: Sql, limit: number): Promise<number> {
  const { rows } = await sql.query(
    `SELECT * FROM effect e WHERE ${OPEN} AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM effect_lane l WHERE l.name = e.lane)) ORDER BY ordinal LIMIT $1`,
    [limit],
  )
  const lost = rows.flatMap((row) => {
    const { id, scope, conversationId, taskId, key, body } = effectOf(row)
    // A row that somebody damaged is no reason to leave the others.
    if (typeof body !== 'object' || typeof body?.place?.repository?.installationId !== 'number') return []
    return [effectRow(id, scope, conversationId, taskId, { key, body })]
  })
  if (lost.length === 0) return 0
  await sql.query(
    `WITH named AS (UPDATE effect e SET lane = r.lane, account = r.account FROM jsonb_to_recordset($1::jsonb) AS r(id text, lane text, account text) WHERE e.id = r.id)
      ${LANES_UPSERT('$2', 'WHERE true')}`,
    [jsonText(lost), jsonText(laneRows(lost))],
  )
  return lost.length
}

/** A dead letter is sent again: as long as a new one would be tried, and after a look for what may have arrived of it. */
async function reopen(sql: Sql, id: string): Promise<boolean> {
  const { rows } = await sql.query(
    `UPDATE effect SET status = CASE WHEN sent_at IS NULL THEN 'intent' ELSE 'unknown' END, attempts = LEAST(attempts, 1), not_before = NULL, since = clock_timestamp() WHERE id = $1 AND status = 'failed' RETURNING *`,
    [id],
  )
  const [row] = rows
  if (!row) return false
  const { scope, conversationId, taskId, key, body } = effectOf(row)
  const again = effectRow(id, scope, conversationId, taskId, { key, body })
  await sql.query(LANES_UPSERT('$1', 'WHERE true'), [jsonText(laneRows([again]))])
  return true
}

/** A row of the table, whichever driver read it. */
export function effectOf(row: Readonly<Record<string, unknown>>): StoredEffect {
  const time = (name: string) => (row[name] ? fromJson<Date>(row[name]) : undefined)
  return {
    id: String(row['id']),
    scope: String(row['scope']),
    key: String(row['key']),
    conversationId: String(row['conversation_id']),
    taskId: typeof row['task_id'] === 'string' ? row['task_id'] : undefined,
    body: fromJson<EffectBody>(row['payload']),
    status: fromJson<EffectStatus>(row['status']),
    revision: Number(row['revision']),
    result: row['result'] ? fromJson<EffectResult>(row['result']) : undefined,
    attempts: Number(row['attempts']),
    notBefore: time('not_before'),
    sentAt: time('sent_at'),
    createdAt: fromJson<Date>(row['created_at']),
    since: fromJson<Date>(row['since']),
  }
}
