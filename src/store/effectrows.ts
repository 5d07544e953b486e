import type { EffectBody, EffectIntent } from '../core/effects.ts'
import { laneOf, upsertKinds } from '../core/effecttable.ts'

/** Effects and their lanes as rows, and the parts of statements that write them. */

/** An effect as the statements below take it. */
export interface EffectRow {
  readonly id: string
  readonly scope: string
  readonly key: string
  readonly conversation_id: string
  readonly task_id: string | null
  readonly kind: string
  readonly payload: EffectBody
  readonly lane: string
  readonly account: string
  readonly priority: number
}

export function effectRow(
  id: string,
  scope: string,
  conversationId: string,
  taskId: string | undefined,
  intent: EffectIntent,
): EffectRow {
  const { key, body } = intent
  const { lane, account, priority } = laneOf(scope, conversationId, intent)
  return {
    id,
    scope,
    key,
    conversation_id: conversationId,
    task_id: taskId ?? null,
    kind: body.kind,
    payload: body,
    lane,
    account,
    priority,
  }
}

/** A lane as the statements below take it; `n`: which commit of several it belongs to. */
interface LaneRow {
  readonly n: number | undefined
  readonly name: string
  readonly account: string
  readonly priority: number
}

/** The lanes that rows belong to, once each, as urgent as the most urgent of them. */
export function laneRows(rows: readonly (EffectRow & { readonly n?: number })[]): LaneRow[] {
  const lanes = new Map<string, LaneRow>()
  for (const { n, lane, account, priority } of rows) {
    const known = lanes.get(lane)
    lanes.set(lane, { n, name: lane, account, priority: Math.min(priority, known?.priority ?? priority) })
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
  FROM jsonb_to_recordset(${rows}::jsonb) AS r(n int, id text, scope text, key text, conversation_id text, task_id text, kind text, payload jsonb, lane text, account text) ${where}
  ON CONFLICT (scope, key) DO UPDATE SET revision = effect.revision + 1, payload = EXCLUDED.payload,
    attempts = CASE WHEN effect.status = 'failed' THEN 0 ELSE effect.attempts END, not_before = CASE WHEN effect.status = 'failed' THEN NULL ELSE effect.not_before END,
    since = CASE WHEN effect.status IN ('done', 'failed', 'dropped') THEN clock_timestamp() ELSE effect.since END,
    status = CASE WHEN effect.status IN ('done', 'failed', 'dropped') THEN 'intent' ELSE effect.status END
  WHERE EXCLUDED.kind = ANY(ARRAY[${UPSERTS}])`

export const LANES_UPSERT = (lanes: string, where: string) => `INSERT INTO effect_lane (name, account, priority, due_at)
  SELECT name, account, priority, clock_timestamp() FROM jsonb_to_recordset(${lanes}::jsonb) AS l(n int, name text, account text, priority int) ${where}
  ON CONFLICT (name) DO UPDATE SET bumps = effect_lane.bumps + 1, priority = LEAST(effect_lane.priority, EXCLUDED.priority), due_at = LEAST(effect_lane.due_at, EXCLUDED.due_at)`

/** Settles an effect, `e`, at a revision; a newer one waits to be sent again. */
export const FINISHED = (
  revision: string,
  result: string,
) => `status = CASE WHEN e.revision > ${revision} THEN 'intent' ELSE 'done' END,
  done_revision = ${revision}, result = ${result}, done_at = clock_timestamp(), error = NULL, attempts = 0, not_before = NULL, since = clock_timestamp()`
