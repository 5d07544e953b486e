import { randomBytes } from 'node:crypto'
import { hashOf } from '../core/hash.ts'
import type { PeopleStore, Who } from '../people/types.ts'
import { channelIn } from './json.ts'
import type { Sql } from './sql.ts'

/** So long a request waits for its author to sign in. */
const KEPT_MS = 24 * 3_600_000

const TAKE = `UPDATE link_offer SET used_at = now() WHERE code_hash = $1 AND used_at IS NULL AND expires_at > clock_timestamp()
  RETURNING channel, account, member, name`

const PEEK = `SELECT channel, account, member, name FROM link_offer
  WHERE code_hash = $1 AND used_at IS NULL AND expires_at > clock_timestamp()`

/** In one statement: what is taken out has arrived. */
const RESUME = `WITH taken AS (DELETE FROM kept_request WHERE channel = $1 AND account = $2 AND member = $3 RETURNING event_id, nth, until)
  INSERT INTO inbound_event (id, source, delivery_id, kind, body, lane, account)
    SELECT gen_random_uuid()::text, e.source, e.delivery_id || ':signed-in:' || t.nth, e.kind, e.body, e.lane, e.account
    FROM taken t JOIN inbound_event e ON e.id = t.event_id WHERE t.until > clock_timestamp() ORDER BY e.seq
    ON CONFLICT (source, delivery_id) WHERE duplicate_of IS NULL DO NOTHING RETURNING id, account, lane`

type SignIns = Pick<PeopleStore, 'offer' | 'keep' | 'resume' | 'peek' | 'take'>

/** Links by which people sign in, and the requests that wait for that. */
export function signIns(sql: Sql): SignIns {
  return {
    async offer({ channel, account, id, name }, ms) {
      const code = randomBytes(24).toString('base64url')
      await sql.query('DELETE FROM link_offer WHERE expires_at < clock_timestamp()', [])
      await sql.query(
        `INSERT INTO link_offer (code_hash, channel, account, member, name, expires_at) VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms')`,
        // A code is a secret: only its hash is stored.
        [hashOf(code), channel, account, id, name, ms],
      )
      return code
    },
    async keep({ channel, account, id }, eventId, nth) {
      await sql.query('DELETE FROM kept_request WHERE until < clock_timestamp()', [])
      await sql.query(
        `INSERT INTO kept_request (event_id, nth, channel, account, member, until) VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms')
          ON CONFLICT (event_id, nth) DO NOTHING`,
        [eventId, nth, channel, account, id, KEPT_MS],
      )
    },
    async resume({ channel, account, id }) {
      const { rows } = await sql.query(RESUME, [channel, account, id])
      return rows.map((row) => ({ id: String(row['id']), account: textOf(row['account']), lane: textOf(row['lane']) }))
    },
    async peek(code) {
      const { rows } = await sql.query(PEEK, [hashOf(code)])
      return rows[0] && memberIn(rows[0])
    },
    async take(code) {
      const { rows } = await sql.query(TAKE, [hashOf(code)])
      return rows[0] && memberIn(rows[0])
    },
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function memberIn(row: Readonly<Record<string, unknown>>): Who {
  return {
    channel: channelIn(row),
    account: String(row['account']),
    id: String(row['member']),
    name: String(row['name']),
  }
}
