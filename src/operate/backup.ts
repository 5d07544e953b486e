import { existsSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Print } from '../cli/types.ts'
import { readSettings, type Settings } from '../config/env.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { loadPlugins } from '../plugin/load.ts'
import { openLite } from '../store/lite.ts'
import { lockFolder } from '../store/lock.ts'
import type { Env } from '../core/environment.ts'
import { openStorage } from './storage.ts'

async function embedded(env: Env): Promise<Settings> {
  await loadPlugins(env)
  const settings = readSettings(env)
  if (settings.databaseUrl)
    throw new UserError(
      'not_embedded',
      'DATABASE_URL names a PostgreSQL server; backups of it are made with its own tools.',
      {
        hint: 'Use pg_dump and pg_restore, as docs/operate.md shows.',
      },
    )
  return settings
}

/** Writes the embedded database to a file: by itself, or from the server that has it open. */
export async function backup(env: Env, file: string, fromServer: () => Promise<Blob>, print: Print): Promise<void> {
  const settings = await embedded(env)
  const blob = await dump(settings, fromServer)
  // Complete and on the disk before it gets its name: a backup that was cut off is not taken for one.
  const part = `${file}.part`
  const handle = await open(part, 'w', 0o600)
  try {
    await handle.writeFile(Buffer.from(await blob.arrayBuffer()))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(part, file)
  print(
    `Written to ${file} (${(blob.size / 1e6).toFixed(1)} MB). It holds secrets (the app's key): keep it accordingly.`,
  )
}

async function dump(settings: Settings, fromServer: () => Promise<Blob>): Promise<Blob> {
  if (!existsSync(join(settings.dataDir, 'db')))
    throw new UserError('no_database', `There is no embedded database in ${settings.dataDir}.`, {
      hint: 'Set MUSTER_DATA to the folder that the server uses.',
    })
  try {
    const storage = await openStorage(settings)
    try {
      if (storage.dump) return await storage.dump()
    } finally {
      await storage.close()
    }
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'data_locked') throw error
  }
  return fromServer()
}

/** Puts a backup in the place of the embedded database; what was there is kept beside it. */
export async function restore(env: Env, file: string, force: boolean, print: Print): Promise<void> {
  const settings = await embedded(env)
  const db = join(resolve(settings.dataDir), 'db')
  const tar = await unpacked(file)
  if (existsSync(db) && !force)
    throw new UserError('database_exists', `There is a database in ${settings.dataDir} already.`, {
      hint: 'With --force it is moved aside, and the backup takes its place. Stop the server first.',
    })
  const aside = `${db}.before-restore-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  const moved = existsSync(db)
  if (moved) await moveAside(settings.dataDir, db, aside)
  try {
    const lite = await openLite(settings.dataDir, new Blob([tar], { type: 'application/x-tar' }))
    await lite.sql.query('SELECT count(*) FROM task')
    await lite.close()
  } catch (error) {
    await rm(db, { recursive: true, force: true })
    if (moved) await rename(aside, db)
    if (error instanceof UserError) throw error
    throw new UserError('bad_backup', `${file} is no backup of Muster: ${messageOf(error)}.`, {
      hint: 'Nothing was changed.',
      cause: error,
    })
  }
  print(`Restored from ${file}.${moved ? ` What was there is in ${aside}.` : ''} Start the server to go on.`)
}

/** Unpacked here: what is no backup is told from one before anything is touched. */
async function unpacked(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return Uint8Array.from(gunzipSync(await readFile(file)))
  } catch (error) {
    throw new UserError('no_backup', `${file} cannot be read as a backup of Muster: ${messageOf(error)}.`, {
      hint: 'Nothing was changed.',
      cause: error,
    })
  }
}

/** Only while nobody uses it: taking the lock says who does. What is there may be damaged; that is why it is replaced. */
async function moveAside(dataDir: string, db: string, aside: string): Promise<void> {
  const unlock = lockFolder(dataDir)
  try {
    await rename(db, aside)
  } finally {
    unlock()
  }
}
