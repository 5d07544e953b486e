import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Settings } from '../config/env.ts'
import { reachesBeyond } from '../config/loopback.ts'
import type { Store } from '../store/types.ts'

/** Where the token is kept that nobody set: for whoever may read the server's own folder. */
export function tokenFile(dataDir: string): string {
  return join(dataDir, 'api-token')
}

/**
 * The API's token: the one that is set; else, wherever anything reaches beyond this machine, one that is made once, kept in the
 * database and in a file that only the server's own account may read. Undefined where nobody elsewhere can reach anything: then
 * the API answers this machine. (Behind a proxy on this machine everybody seems to be local.)
 */
export async function apiTokenOf(settings: Settings, instance: Store['instance']): Promise<string | undefined> {
  const { dataDir, server } = settings
  if (server.apiToken) return server.apiToken
  if (reachesBeyond(settings).length === 0) return undefined
  const token = z.string().parse(await instance.setOnce('api.token', randomBytes(24).toString('base64url')))
  keep(tokenFile(dataDir), token)
  return token
}

function keep(file: string, token: string): void {
  mkdirSync(dirname(file), { recursive: true })
  if (!existsSync(file) || readFileSync(file, 'utf8').trim() !== token)
    writeFileSync(file, `${token}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
}

/** The token that a server on this machine keeps in its folder, if this account may read it. */
export function keptToken(dataDir: string): string | undefined {
  try {
    return readFileSync(tokenFile(dataDir), 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
