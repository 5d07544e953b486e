import { newId } from './ids.ts'
import type { EffectBody, EffectIntent, EffectResult } from '../core/effects.ts'
import { type Lane, laneOf, traitsOf, upsertKinds } from '../core/effecttable.ts'
import { cleanText, fromJson, jsonText } from './json.ts'
import { holds } from './leases.ts'
import { Params, type Sql } from './sql.ts'
import {
  type ClaimQuery,
  type EffectStatus,
  type EffectStore,
  Fenced,
  LANE_BATCH,
  type LaneClaim,
  type StoredEffect,
} from './types.ts'
import type { Fence } from '../leases/types.ts'

/** Durable out. An upsert that is asked for again gets a new revision; anything else is there once. */

const OPEN = "status IN ('intent', 'sent', 'unknown')"

/** An effect as the statements below take it. */
export interface EffectRow {
  readonly id: string
  readonly scope: string
  readonly key: string
  readonly conversation_id: string
  readonly task_id: string | null
  readonly kind: string
  readonly payload: EffectBody
  readonly upsert: boolean
  readonly lane: string
  readonly account: string
  readonly priority: number
}

export function effectRow(
  id: string,
  scope: string,
  conversationId: string,
  taskId: string | undefined,
  { key, body }: EffectIntent,
  { lane, account, priority }: Lane,
): EffectRow {
  return {
    id,
    scope,
    key,
    conversation_id: conversationId,
    task_id: taskId ?? null,
    kind: body.kind,
    payload: body,
    upsert: traitsOf(body.kind).upsert,
    lane,
    account,
    priority,
  }
}

/** The lanes that rows belong to, once each, as urgent as the most urgent of them. */
export function laneRows(rows: readonly EffectRow[]): { name: string; account: string; priority: number }[] {
  const lanes = new Map<string, { name: string; account: string; priority: number }>()
  for (const { lane, account, priority } of rows) {
    const known = lanes.get(lane)
    lanes.set(lane, { name: lane, account, priority: Math.min(priority, known?.priority ?? priority) })
  }
  // In one order everywhere, so that two writers of the same lanes do not wait for each other.
  return [...lanes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The kinds that are made from the newest state: names of our own, no input. */
const UPSERTS = upsertKinds()
  .map((kind) => `'${kind}'`)
  .join(',')

export const EFFECTS_UPSERT = (
  rows: string,
  where: string,
) => `INSERT INTO effect (id, scope, key, conversation_id, task_id, kind, payload, lane, account)
  SELECT id, scope, key, conversation_id, task_id, kind, payload, lane, account
  FROM jsonb_to_recordset(${rows}::jsonb) AS r(id text, scope text, key text, conversation_id text, task_id text, kind text, payload jsonb, upsert boolean, lane text, account text) ${where}
  ON CONFLICT (scope, key) DO UPDATE SET revision = effect.revision + 1, payload = EXCLUDED.payload,
    attempts = CASE WHEN effect.status = 'failed' THEN 0 ELSE effect.attempts END, not_before = CASE WHEN effect.status = 'failed' THEN NULL ELSE effect.not_before END,
    since = CASE WHEN effect.status IN ('done', 'failed', 'dropped') THEN clock_timestamp() ELSE effect.since END,
    status = CASE WHEN effect.status IN ('done', 'failed', 'dropped') THEN 'intent' ELSE effect.status END
  WHERE EXCLUDED.kind = ANY(ARRAY[${UPSERTS}])`

export const LANES_UPSERT = (lanes: string, where: string) => `INSERT INTO effect_lane (name, account, priority, due_at)
  SELECT name, account, priority, clock_timestamp() FROM jsonb_to_recordset(${lanes}::jsonb) AS l(name text, account text, priority int) ${where}
  ON CONFLICT (name) DO UPDATE SET bumps = effect_lane.bumps + 1, priority = LEAST(effect_lane.priority, EXCLUDED.priority), due_at = LEAST(effect_lane.due_at, EXCLUDED.due_at)`

/** Settles an effect at a revision; a newer one waits to be sent again. */
export const FINISH = (
  id: string,
  revision: string,
  result: string,
) => `UPDATE effect SET status = CASE WHEN revision > ${revision}::int THEN 'intent' ELSE 'done' END,
  done_revision = ${revision}::int, result = ${result}::jsonb, done_at = clock_timestamp(), error = NULL, attempts = 0, not_before = NULL, since = clock_timestamp() WHERE id = ${id}`

const CLAIM = `WITH due AS (
    SELECT name, priority, due_at, row_number() OVER (PARTITION BY account ORDER BY priority, due_at) AS turn
    FROM (SELECT * FROM effect_lane WHERE due_at <= $1 AND (holder IS NULL OR expires_at < clock_timestamp() OR holder = ANY($2)) AND NOT account = ANY($3)
      ORDER BY due_at LIMIT 1000) AS oldest),
  picked AS (SELECT l.name FROM effect_lane l JOIN due USING (name) WHERE due.turn <= $7 ORDER BY due.turn, due.priority, due.due_at LIMIT $4 FOR UPDATE OF l SKIP LOCKED)
  UPDATE effect_lane l SET token = nextval('fence'), holder = $5, expires_at = clock_timestamp() + $6 * interval '1 ms'
  FROM picked WHERE l.name = picked.name AND (l.holder IS NULL OR l.expires_at < clock_timestamp() OR l.holder = ANY($2))
  RETURNING l.name AS name, l.account AS account, l.token::text AS token, l.bumps::text AS bumps, l.priority AS priority`

export function effectStore(sql: Sql): EffectStore {
  const fenced = async (fence: Fence, params: Params, update: string) => {
    const allowed = `EXISTS (${holds(fence, params.add(fence.name), params.add(fence.token))})`
    const { rows } = await sql.query(`${update} AND ${allowed} RETURNING id`, params.values)
    if (rows.length === 0) throw new Fenced(`somebody else has the lane ${fence.name} now`)
  }
  return {
    async add(scope, conversationId, taskId, effects) {
      const rows = effects.map((intent) =>
        effectRow(newId(), scope, conversationId, taskId, intent, laneOf(scope, conversationId, intent)),
      )
      await sql.query(`WITH effects AS (${EFFECTS_UPSERT('$1', 'WHERE true')}) ${LANES_UPSERT('$2', 'WHERE true')}`, [
        jsonText(rows),
        jsonText(laneRows(rows)),
      ])
    },
    claim: (query) => claim(sql, query),
    lane: (name) => readLane(sql, name),
    leave: (claim, due) => leave(sql, claim, due),
    markSent: (id, fence) => {
      const params = new Params()
      return fenced(
        fence,
        params,
        `UPDATE effect SET status = 'sent', sent_at = clock_timestamp(), attempts = attempts + 1 WHERE id = ${params.add(id)}`,
      )
    },
    postpone: (id, status, until, error, fence) => {
      const params = new Params()
      const values = [status, until, cleanText(error.slice(0, 4000)), id].map((value) => params.add(value))
      return fenced(
        fence,
        params,
        `UPDATE effect SET status = ${values[0]}, not_before = ${values[1]}, error = ${values[2]} WHERE id = ${values[3]}`,
      )
    },
    async finish(id, revision, result, fence, lane) {
      const params = new Params()
      const update = FINISH(params.add(id), params.add(revision), params.add(jsonText(result)))
      if (!lane) {
        await fenced(fence, params, update)
        return false
      }
      return finishAndLeave(sql, params, update, revision, fence, lane)
    },
    fail: (id, error, fence) => {
      const params = new Params()
      return fenced(
        fence,
        params,
        `UPDATE effect SET status = 'failed', error = ${params.add(cleanText(error.slice(0, 4000)))} WHERE id = ${params.add(id)}`,
      )
    },
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

/** The last effect of a lane: it is settled, and the lane is gone unless something was added to it. */
async function finishAndLeave(
  sql: Sql,
  params: Params,
  update: string,
  revision: number,
  fence: Fence,
  lane: Pick<LaneClaim, 'bumps'>,
): Promise<boolean> {
  const [name, token, bumps, sent] = [fence.name, fence.token, lane.bumps, revision].map((value) => params.add(value))
  const { rows } = await sql.query(
    `WITH held AS (${holds(fence, name ?? '', token ?? '')} FOR UPDATE),
      finished AS (${update} AND EXISTS (SELECT 1 FROM held) RETURNING revision),
      gone AS (DELETE FROM effect_lane WHERE name = ${name} AND token = ${token}::bigint AND bumps = ${bumps}::bigint
        AND EXISTS (SELECT 1 FROM finished WHERE revision <= ${sent}::int) RETURNING name)
      SELECT (SELECT count(*) FROM finished)::int AS finished, (SELECT count(*) FROM gone)::int AS gone`,
    params.values,
  )
  if (Number(rows[0]?.['finished']) === 0) throw new Fenced(`somebody else has the lane ${fence.name} now`)
  return Number(rows[0]?.['gone']) === 1
}

async function claim(sql: Sql, query: ClaimQuery): Promise<LaneClaim[]> {
  const { now, dead, without, perAccount, limit, holder, ttlMs } = query
  const { rows } = await sql.query(CLAIM, [now, dead, without, limit, holder, ttlMs, perAccount])
  if (rows.length === 0) return []
  const names = rows.map((row) => String(row['name']))
  const effects = await sql.query(
    `SELECT e.* FROM unnest($1::text[]) AS n(name) CROSS JOIN LATERAL (SELECT * FROM effect WHERE lane = n.name AND ${OPEN} ORDER BY ordinal LIMIT ${LANE_BATCH}) AS e`,
    [names],
  )
  const byLane = Map.groupBy(effects.rows, (row) => String(row['lane']))
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

async function readLane(sql: Sql, name: string): Promise<{ bumps: string; effects: StoredEffect[] }> {
  // The count first: what is added in between is noticed when the lane is left.
  const { rows } = await sql.query('SELECT bumps::text AS bumps FROM effect_lane WHERE name = $1', [name])
  const effects = await sql.query(
    `SELECT * FROM effect WHERE lane = $1 AND ${OPEN} ORDER BY ordinal LIMIT ${LANE_BATCH}`,
    [name],
  )
  return { bumps: rows[0] ? String(rows[0]['bumps']) : '0', effects: effects.rows.map(effectOf) }
}

async function leave(
  sql: Sql,
  { name, token, bumps }: Pick<LaneClaim, 'name' | 'token' | 'bumps'>,
  due: Date | undefined,
): Promise<boolean> {
  const mine = 'name = $1 AND token = $2::bigint AND bumps = $3::bigint'
  const { rows } = due
    ? await sql.query(
        `UPDATE effect_lane SET holder = NULL, expires_at = NULL, due_at = $4 WHERE ${mine} RETURNING name`,
        [name, token, bumps, due],
      )
    : await sql.query(`DELETE FROM effect_lane WHERE ${mine} RETURNING name`, [name, token, bumps])
  return rows.length > 0
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
    return [effectRow(id, scope, conversationId, taskId, { key, body }, laneOf(scope, conversationId, { key, body }))]
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
  const again = effectRow(
    id,
    scope,
    conversationId,
    taskId,
    { key, body },
    laneOf(scope, conversationId, { key, body }),
  )
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
