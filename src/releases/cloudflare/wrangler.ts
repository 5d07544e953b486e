import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../core/errors.ts'
import { run } from '../../workspace/spawn.ts'
import type { TargetDeps } from '../types.ts'
import { installed } from '../workers/installed.ts'
import type { Account } from './api.ts'

/** Cloudflare's own program, for what is uploaded. It runs in a folder of Muster's: nothing of a commit tells it what to do. */

const CALL_MS = 5 * 60_000

/** What is uploaded, and how it is called there. */
export interface Upload {
  /** The file that describes the Worker. */
  readonly config: string
  readonly message: string
  readonly tag: string
  /** A file with the values of its secrets, JSON. */
  readonly secrets: string
}

/**
 * Uploads a version of a Worker.
 * @param isAtOnce it is given all requests with it, which is how Cloudflare makes a Worker, and changes what objects have stored
 * @returns the version @throws UserError where it is refused
 */
export async function uploaded(
  deps: Pick<TargetDeps, 'env' | 'dir' | 'log' | 'redact'>,
  account: Account,
  { config, message, tag, secrets }: Upload,
  isAtOnce: boolean,
  signal: AbortSignal,
): Promise<string> {
  const program = join(await installed(deps, 'wrangler', signal), 'bin', 'wrangler.js')
  const own = await mkdtemp(join(tmpdir(), 'muster-wrangler-'))
  try {
    const said = join(own, 'output.ndjson')
    const how = [
      '--name',
      account.worker,
      '--config',
      config,
      '--message',
      message,
      '--tag',
      tag,
      '--secrets-file',
      secrets,
    ]
    const argv = [program, ...(isAtOnce ? ['deploy'] : ['versions', 'upload']), ...how]
    const { exitCode, output } = await run(process.execPath, argv, {
      cwd: dirname(config),
      env: envOf(account, own, said),
      timeoutMs: CALL_MS,
      signal,
    })
    if (exitCode !== 0) throw refused(deps.redact(output))
    return uploadedIn(await readFile(said, 'utf8').catch(() => ''))
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** What it needs to know, and nothing of Muster's. */
function envOf({ account, token, api }: Account, own: string, said: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: own,
    XDG_CONFIG_HOME: own,
    LANG: 'C.UTF-8',
    // Nobody is asked anything, nothing is reported.
    CI: '1',
    NO_COLOR: '1',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    CLOUDFLARE_ACCOUNT_ID: account,
    CLOUDFLARE_API_TOKEN: token,
    CLOUDFLARE_API_BASE_URL: api,
    WRANGLER_OUTPUT_FILE_PATH: said,
  }
}

const Uploaded = z.looseObject({ type: z.enum(['version-upload', 'deploy']), version_id: z.string() })

/** The version that it says it has made, a record a line. @throws where it says none */
function uploadedIn(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '')
  const found = lines.flatMap((line) => Uploaded.safeParse(JSON.parse(line)).data ?? [])[0]
  if (found) return found.version_id
  throw new Error('wrangler does not say which version it has uploaded')
}

/** Why, in a line: its marks and colours are for whoever has it in front of them. */
function refused(text: string): UserError {
  const lines = text
    .replaceAll(/\u001B\[[\d;]*m/g, '')
    .split('\n')
    .map((line) => line.trim())
  const at = lines.findIndex((line) => line.includes('[ERROR]'))
  const said = at < 0 ? [] : lines.slice(at, at + 4).filter((line) => line !== '')
  const words = said
    .join(' ')
    .replace(/^.*?\[ERROR\]/, '')
    .trim()
    .slice(0, 400)
  return new UserError('upload_refused', `The Worker was not uploaded: ${words || 'wrangler did not end'}`)
}
