import type { EffectResult } from '../core/effects.ts'
import type { Fence } from '../leases/types.ts'
import { FINISHED } from './effectrows.ts'
import { gathered } from './gather.ts'
import { cleanText, jsonText } from './json.ts'
import { HELD, holds } from './leases.ts'
import { Params, type Sql } from './sql.ts'
import { type EffectStore, Fenced, type LaneClaim } from './types.ts'

/** What becomes of effects that are sent: written by whoever holds their lane, those that come together in one statement. */

type LaneMark = Pick<LaneClaim, 'name' | 'token' | 'bumps'>

/** The lanes of the effects, `s`, that are still held: locked in one order, and before the effects, as commits do it, so that nobody waits in a circle. */
const STILL_HELD = (
  lock: 'SHARE' | 'UPDATE',
) => `held AS (SELECT o.n FROM (SELECT n, name, token FROM s ORDER BY name) AS o
    CROSS JOIN LATERAL (SELECT 1 FROM effect_lane l WHERE ${HELD('l', 'o.name', 'o.token')} LIMIT 1 FOR ${lock}) AS lane)`

const MARK_SENT = `WITH s AS (SELECT n, id, name, token FROM jsonb_to_recordset($1::jsonb) AS s(n int, id text, name text, token bigint)),
  ${STILL_HELD('SHARE')}
  UPDATE effect e SET status = 'sent', sent_at = clock_timestamp(), attempts = e.attempts + 1
  FROM s JOIN held USING (n) WHERE e.id = ANY(ARRAY(SELECT id FROM s)) AND e.id = s.id RETURNING s.n`

/** `bumps` where it is the last effect of its lane: then the lane is gone with it, unless something was added. */
const FINISH = `WITH s AS (SELECT n, id, name, token, bumps, revision, result FROM jsonb_to_recordset($1::jsonb) AS s(n int, id text, name text, token bigint, bumps bigint, revision int, result jsonb)),
  ${STILL_HELD('UPDATE')},
  finished AS (UPDATE effect e SET ${FINISHED('s.revision', 's.result')}
    FROM s JOIN held USING (n) WHERE e.id = ANY(ARRAY(SELECT id FROM s)) AND e.id = s.id RETURNING s.n, e.status),
  gone AS (DELETE FROM effect_lane l USING s JOIN finished f USING (n)
    WHERE l.name = ANY(ARRAY(SELECT name FROM s WHERE bumps IS NOT NULL)) AND l.name = s.name AND l.token = s.token AND l.bumps = s.bumps AND f.status = 'done' RETURNING s.n)
  SELECT finished.n, finished.n IN (SELECT n FROM gone) AS gone FROM finished`

/** Lanes that nothing was added to meanwhile; locked by name. */
const MINE = `mine AS (SELECT l.name, s.n, s.due FROM (SELECT n, name, token, bumps, due FROM jsonb_to_recordset($1::jsonb) AS s(n int, name text, token bigint, bumps bigint, due timestamptz) ORDER BY name) AS s
    CROSS JOIN LATERAL (SELECT name FROM effect_lane l WHERE l.name = s.name AND l.token = s.token AND l.bumps = s.bumps LIMIT 1 FOR UPDATE) AS l)`
const LEAVE = `WITH ${MINE},
  gone AS (DELETE FROM effect_lane l USING mine WHERE l.name = ANY(ARRAY(SELECT name FROM mine WHERE due IS NULL)) AND l.name = mine.name),
  due AS (UPDATE effect_lane l SET holder = NULL, expires_at = NULL, due_at = mine.due
    FROM mine WHERE l.name = ANY(ARRAY(SELECT name FROM mine WHERE due IS NOT NULL)) AND l.name = mine.name)
  SELECT n FROM mine`

/** @param text a statement over a batch. @returns what came of one of it: its row, undefined where it has none */
function asked<One extends object>(sql: Sql, text: string) {
  return gathered({
    atOnce: sql.atOnce,
    run: async (batch: readonly One[]) => {
      const { rows } = await sql.query(text, [jsonText(batch.map((one, n) => ({ ...one, n })))])
      const byPlace = new Map(rows.map((row) => [Number(row['n']), row]))
      return batch.map((_one, n) => byPlace.get(n))
    },
  })
}

const lost = ({ name }: Fence) => new Fenced(`somebody else has the lane ${name} now`)

export function settling(sql: Sql): Pick<EffectStore, 'markSent' | 'postpone' | 'fail' | 'finish' | 'leave'> {
  const sent = asked<{ id: string; name: string; token: string }>(sql, MARK_SENT)
  const finished = asked<LaneFinish>(sql, FINISH)
  const left = asked<LaneMark & { due: Date | undefined }>(sql, LEAVE)
  const fenced = async (fence: Fence, params: Params, update: string) => {
    const allowed = `EXISTS (${holds(fence, params.add(fence.name), params.add(fence.token))})`
    const { rows } = await sql.query(`${update} AND ${allowed} RETURNING id`, params.values)
    if (rows.length === 0) throw lost(fence)
  }
  return {
    async markSent(id, fence) {
      if (!(await sent({ id, name: fence.name, token: fence.token }))) throw lost(fence)
    },
    postpone: (id, status, until, error, fence) => {
      const params = new Params()
      const values = [status, until, errorText(error), id].map((value) => params.add(value))
      const sets = `status = ${values[0]}, not_before = ${values[1]}, error = ${values[2]}`
      return fenced(fence, params, `UPDATE effect SET ${sets} WHERE id = ${values[3]}`)
    },
    fail: (id, error, fence) => {
      const params = new Params()
      const sets = `status = 'failed', error = ${params.add(errorText(error))}`
      return fenced(fence, params, `UPDATE effect SET ${sets} WHERE id = ${params.add(id)}`)
    },
    async finish(id, revision, result, fence, lane) {
      const row = await finished({ id, name: fence.name, token: fence.token, bumps: lane?.bumps, revision, result })
      if (!row) throw lost(fence)
      return row['gone'] === true
    },
    leave: async ({ name, token, bumps }, due) => (await left({ name, token, bumps, due })) !== undefined,
  }
}

interface LaneFinish {
  readonly id: string
  readonly name: string
  readonly token: string
  readonly bumps: string | undefined
  readonly revision: number
  readonly result: EffectResult
}

function errorText(error: string): string {
  return cleanText(error.slice(0, 4000))
}
