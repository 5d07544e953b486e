import { hashOf } from '../core/hash.ts'
import { memberIn, signIns } from './signins.ts'
import type { Sql } from './sql.ts'
import type { PeopleStore, PersonLink } from '../people/types.ts'

const LINK = `WITH linked AS (INSERT INTO person_link (channel, account, member, name, github_id, login, how)
    VALUES ($1, $2, $3, $4, $5::bigint, $6, $7)
    ON CONFLICT (channel, account, member) DO UPDATE SET name = $4, github_id = $5::bigint, login = $6, how = $7, linked_at = now()
    RETURNING 1)
  INSERT INTO person_event (actor, what, channel, account, member, github_id, login)
    SELECT $8, 'linked', $1, $2, $3, $5::bigint, $6 FROM linked`
const UNLINK = `WITH gone AS (DELETE FROM person_link WHERE channel = $1 AND account = $2 AND member = $3 RETURNING github_id, login),
    told AS (INSERT INTO person_event (actor, what, channel, account, member, github_id, login)
      SELECT $4, 'unlinked', $1, $2, $3, github_id, login FROM gone)
  SELECT login FROM gone`
/** Who is who over the channels. Every change leaves a line in the history, in the same statement. */
export function peopleStore(sql: Sql): PeopleStore {
  return {
    ...signIns(sql),
    async personOf({ channel, account, id }) {
      const { rows } = await sql.query(
        'SELECT github_id::text AS id, login FROM person_link WHERE channel = $1 AND account = $2 AND member = $3',
        [channel, account, id],
      )
      return rows[0] && { id: Number(rows[0]['id']), login: String(rows[0]['login']) }
    },
    async membersOf(people, channel, account) {
      if (people.length === 0) return []
      const { rows } = await sql.query(
        'SELECT channel, account, member, name FROM person_link WHERE github_id = ANY($1::bigint[]) AND channel = $2 AND account = $3 ORDER BY member',
        [people, channel, account],
      )
      return rows.map(memberIn)
    },
    async link({ channel, account, id, name }, person, how, actor) {
      await sql.query(LINK, [channel, account, id, name, person.id, person.login, how, actor])
    },
    async setEmails({ id, login }, emails) {
      const hashes = emails.map(hashOfEmail)
      await sql.query('DELETE FROM person_email WHERE github_id = $1::bigint AND NOT email_hash = ANY($2::text[])', [
        id,
        hashes,
      ])
      await sql.query(
        `INSERT INTO person_email (email_hash, github_id, login) SELECT unnest($1::text[]), $2::bigint, $3
          ON CONFLICT (email_hash) DO UPDATE SET github_id = $2::bigint, login = $3, seen_at = now()`,
        [hashes, id, login],
      )
    },
    async byEmail(email) {
      const { rows } = await sql.query('SELECT github_id::text AS id, login FROM person_email WHERE email_hash = $1', [
        hashOfEmail(email),
      ])
      return rows[0] && { id: Number(rows[0]['id']), login: String(rows[0]['login']) }
    },
    async unlink({ channel, account, id }, actor) {
      const { rows } = await sql.query(UNLINK, [channel, account, id, actor])
      return rows.length > 0
    },
    async list() {
      const { rows } = await sql.query(
        'SELECT channel, account, member, name, github_id::text AS github, login, how, linked_at FROM person_link ORDER BY login, channel, account, member',
        [],
      )
      return rows.map(rowOf)
    },
  }
}

function hashOfEmail(email: string): string {
  return hashOf({ email: email.trim().toLowerCase() })
}

function rowOf(row: Readonly<Record<string, unknown>>): PersonLink {
  return {
    ...memberIn(row),
    person: { id: Number(row['github']), login: String(row['login']) },
    how: String(row['how']),
    linkedAt: new Date(String(row['linked_at'])),
  }
}
