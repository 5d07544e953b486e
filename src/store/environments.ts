import { type ChainEnd, CHAIN_START, extend, type Link } from '../core/chain.ts'
import type { EnvironmentOutcome } from '../core/environments/decide.ts'
import type { EnvironmentEvent, EnvironmentState } from '../core/environments/types.ts'
import type { Recorded } from '../core/environments/verify.ts'
import { type EffectRow, effectRow, EFFECTS_UPSERT, laneRows, LANES_UPSERT } from './effectrows.ts'
import { newId } from './ids.ts'
import { fromJson, jsonText, plainOf } from './json.ts'
import type { Sql } from './sql.ts'
import type { EnvironmentStore, LoadedEnvironment } from '../releases/types.ts'
import { Conflict } from './types.ts'

const EVENT_COLUMNS = 'seq int, type text, data jsonb, at timestamptz, actor text, reason text, hash text'
const IF_WRITTEN = 'WHERE EXISTS (SELECT 1 FROM w)'

/**
 * An environment's events, its state and what the tasks are told, all or nothing: written where it is still at the version that the
 * decision was made on. $1 key, $2 that version, $3 repository, $4 name, $5 state, $6 new version, $7 and $8 the end of the chain,
 * $9 when it wants to be looked at, $10 events, $11 effects, $12 their lanes.
 */
const COMMIT = `WITH updated AS (UPDATE environment SET state = $5::jsonb, version = $6::int, chain_seq = $7::int, chain_hash = $8,
      wake_at = $9::timestamptz, updated_at = clock_timestamp() WHERE key = $1 AND version = $2::int RETURNING key),
  inserted AS (INSERT INTO environment (key, repository, name, state, version, chain_seq, chain_hash, wake_at)
    SELECT $1, $3, $4, $5::jsonb, $6::int, $7::int, $8, $9::timestamptz WHERE $2::int = 0 ON CONFLICT DO NOTHING RETURNING key),
  w AS (SELECT key FROM updated UNION ALL SELECT key FROM inserted),
  events AS (INSERT INTO environment_event (key, seq, type, data, at, actor, reason, hash)
    SELECT $1, seq, type, data, at, actor, reason, hash FROM jsonb_to_recordset($10::jsonb) AS e(${EVENT_COLUMNS}) ${IF_WRITTEN}),
  lanes AS (${LANES_UPSERT('$12', IF_WRITTEN)} RETURNING 1),
  effects AS (${EFFECTS_UPSERT('$11', `${IF_WRITTEN} AND (SELECT count(1) FROM lanes) >= 0`)})
  SELECT count(1) AS written FROM w`

/** Environments, each with a history and a chain of its own. */
export function environmentStore(sql: Sql): EnvironmentStore {
  return {
    async load(key) {
      const { rows } = await sql.query('SELECT state, chain_seq, chain_hash FROM environment WHERE key = $1', [key])
      return rows[0] && loadedOf(rows[0])
    },
    async commit(outcome, basedOn, { at, actor, conversations }) {
      const { state, events, effects, reason, wakeAt } = outcome
      const links = linksOf(state.key, basedOn?.state.version ?? 0, events, at, actor, reason)
      const { hashes, end } = extend(basedOn?.chain ?? CHAIN_START, links)
      const effectRows = effects.map((intent): EffectRow => {
        const task = 'task' in intent.body && typeof intent.body.task === 'string' ? intent.body.task : undefined
        return effectRow(newId(), state.key, conversations[task ?? ''] ?? '', task, intent)
      })
      const { owner, name } = state.repository
      const { rows } = await sql.query(COMMIT, [
        state.key,
        basedOn?.state.version ?? 0,
        `${owner}/${name}`,
        state.name,
        jsonText(state),
        state.version,
        end.seq,
        end.hash,
        wakeAt === undefined ? null : new Date(wakeAt),
        jsonText(links.map((link, index) => ({ ...link, at: new Date(link.at), hash: hashes[index] }))),
        jsonText(effectRows),
        jsonText(laneRows(effectRows)),
      ])
      if (Number(rows[0]?.['written']) === 0) throw new Conflict(`${state.key} is no longer at that version`)
      return { state, chain: end }
    },
    async due(now) {
      const { rows } = await sql.query('SELECT state FROM environment WHERE wake_at <= $1::timestamptz LIMIT 100', [
        now,
      ])
      return rows.map((row) => fromJson<EnvironmentState>(row['state']))
    },
    async busy(before) {
      const { rows } = await sql.query(
        `SELECT state FROM environment WHERE updated_at < $1::timestamptz
          AND (state ? 'holder' OR jsonb_array_length(state -> 'queue') > 0) ORDER BY random() LIMIT 100`,
        [before],
      )
      return rows.map((row) => fromJson<EnvironmentState>(row['state']))
    },
    async list() {
      return (await sql.query('SELECT state, chain_seq, chain_hash FROM environment ORDER BY key', [])).rows.map(
        loadedOf,
      )
    },
    async events(key, after, limit) {
      const { rows } = await sql.query(
        'SELECT seq, type, data, at, actor, reason, hash FROM environment_event WHERE key = $1 AND seq > $2::int ORDER BY seq LIMIT $3::int',
        [key, after, limit],
      )
      return rows.map(eventOf)
    },
  }
}

function loadedOf(row: Readonly<Record<string, unknown>>): LoadedEnvironment {
  const chain: ChainEnd = { seq: Number(row['chain_seq']), hash: String(row['chain_hash']) }
  return { state: fromJson<EnvironmentState>(row['state']), chain }
}

function linksOf(
  key: string,
  before: number,
  events: EnvironmentOutcome['events'],
  at: number,
  actor: string,
  reason: string,
): Link[] {
  return events.map(({ type, ...data }, index) => ({
    taskId: key,
    seq: before + index + 1,
    type,
    data: plainOf(data),
    at: Math.round(at),
    actor,
    reason,
  }))
}

function eventOf(row: Readonly<Record<string, unknown>>): Recorded {
  const data = fromJson<object>(row['data'])
  return {
    seq: Number(row['seq']),
    event: fromJson<EnvironmentEvent>({ type: row['type'], ...data }),
    at: new Date(row['at'] instanceof Date ? row['at'] : String(row['at'])),
    actor: String(row['actor']),
    reason: String(row['reason']),
    hash: String(row['hash']),
  }
}
