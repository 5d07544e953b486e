import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { messageOf, UserError } from '../src/core/errors.ts'

/** A database of its own for a rehearsal, on a server that is there for something else. */
export interface OwnDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** @throws UserError when the server does not let us */
export async function ownDatabase(serverUrl: string): Promise<OwnDatabase> {
  const name = `muster_rehearsal_${randomBytes(6).toString('hex')}`
  await command(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => command(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function command(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(sql)
  } catch (error) {
    throw new UserError('no_database', `The rehearsal could not have a database of its own: ${messageOf(error)}.`, {
      hint: 'Check DATABASE_URL, and that its user may create databases; or unset it, and the embedded one is used.',
      cause: error,
    })
  } finally {
    await client.end().catch(() => {})
  }
}
