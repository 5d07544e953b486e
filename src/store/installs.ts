import type { InstallRow, InstallStore } from '../installs/types.ts'
import { channelIn } from './json.ts'
import type { Sql } from './sql.ts'

const COLUMNS = 'channel, account, name, sealed, version, installed_at'

/** The workspaces and sites that Muster was installed into. */
export function installStore(sql: Sql): InstallStore {
  return {
    async list() {
      const { rows } = await sql.query(`SELECT ${COLUMNS} FROM channel_install ORDER BY channel, account`, [])
      return rows.map(rowOf)
    },
    async get(channel, account) {
      const { rows } = await sql.query(`SELECT ${COLUMNS} FROM channel_install WHERE channel = $1 AND account = $2`, [
        channel,
        account,
      ])
      return rows[0] && rowOf(rows[0])
    },
    async save(channel, account, name, sealed) {
      await sql.query(
        `INSERT INTO channel_install (channel, account, name, sealed) VALUES ($1, $2, $3, $4)
          ON CONFLICT (channel, account) DO UPDATE SET name = $3, sealed = $4, version = channel_install.version + 1, updated_at = now()`,
        [channel, account, name, sealed],
      )
    },
    async replace(channel, account, basedOn, sealed) {
      const { rows } = await sql.query(
        `UPDATE channel_install SET sealed = $4, version = version + 1, updated_at = now()
          WHERE channel = $1 AND account = $2 AND version = $3::int RETURNING 1`,
        [channel, account, basedOn, sealed],
      )
      return rows.length > 0
    },
    async remove(channel, account) {
      const { rows } = await sql.query('DELETE FROM channel_install WHERE channel = $1 AND account = $2 RETURNING 1', [
        channel,
        account,
      ])
      return rows.length > 0
    },
  }
}

function rowOf(row: Readonly<Record<string, unknown>>): InstallRow {
  return {
    channel: channelIn(row),
    account: String(row['account']),
    name: String(row['name']),
    sealed: String(row['sealed']),
    version: Number(row['version']),
    installedAt: new Date(String(row['installed_at'])),
  }
}
