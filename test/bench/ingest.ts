import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import examples from '@octokit/webhooks-examples' with { type: 'json' }
import { unusedPort } from '../../rehearsal/stage.ts'
import { load, type Load, requestOf } from './load.ts'
import { besideBusyLoops, measurePairs, type Pairs } from './pairs.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const RIVALS = fileURLToPath(new URL('./rivals.ts', import.meta.url))
const SECRET = 'a-secret-for-the-bench-only'
const CONNECTIONS = 32
const KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey

export interface Ingest {
  readonly bare: Load
  readonly probot: Load
  readonly insert: Load
  readonly muster: Load
  readonly embedded: Load
  /** (d) for each of (c), on a quiet machine and on a busy one. */
  readonly pairs: { readonly quiet: Pairs; readonly busy: Pairs }
}

/** A payload of about the usual size (12 KB): somebody comments, as people do all day. */
function payload(): Buffer {
  const all = examples as unknown as { name: string; examples: Record<string, unknown>[] }[]
  const comments = all.find((one) => one.name === 'issue_comment')?.examples ?? []
  const created = comments.find((one) => one['action'] === 'created') ?? {}
  return Buffer.from(JSON.stringify({ ...created, installation: { id: 7 } }))
}

/** Each in turn, in a process of its own, with the same client. */
export async function measureIngest(databaseUrl: string, redisUrl: string, seconds: number): Promise<Ingest> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-bench-'))
  const request = requestOf('/api/github/webhooks', 'issue_comment', payload(), SECRET)
  /** Does something with a server that is up and warm: compiled, connected, prepared. */
  const up = async <T>(
    argv: readonly string[],
    env: Readonly<Record<string, string>>,
    action: (ask: () => Promise<Load>) => Promise<T>,
  ): Promise<T> => {
    process.stderr.write(`  ${argv.map((one) => one.replace(/^.*\//, '')).join(' ')} …\n`)
    const port = await unusedPort()
    const child = start(argv, { ...env, PORT: String(port) }, dir)
    try {
      await listening(port)
      await load(port, request, CONNECTIONS, Math.min(3, seconds))
      return await action(() => load(port, request, CONNECTIONS, seconds))
    } finally {
      child.kill('SIGKILL')
      await new Promise((done) => setTimeout(done, 300))
    }
  }
  const run = (argv: readonly string[], env: Readonly<Record<string, string>>) => up(argv, env, (ask) => ask())
  const muster = {
    MUSTER_DATA: join(dir, 'data'),
    HOST: '127.0.0.1',
    APP_ID: '1',
    LOG_LEVEL: 'error',
    MUSTER_SANDBOX: 'none',
    GITHUB_API_URL: 'http://127.0.0.1:1',
  }
  const server = { ...muster, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl }
  const pairs = () =>
    up([MAIN, 'web'], server, (ask) =>
      up([RIVALS, 'insert'], { DATABASE_URL: databaseUrl }, async (insert) => {
        const quiet = await measurePairs(ask, insert)
        process.stderr.write('  the same beside busy loops …\n')
        return { quiet, busy: await besideBusyLoops(() => measurePairs(ask, insert)) }
      }),
    )
  try {
    return {
      bare: await run([RIVALS, 'bare'], {}),
      probot: await run([RIVALS, 'probot'], {}),
      insert: await run([RIVALS, 'insert'], { DATABASE_URL: databaseUrl }),
      muster: await run([MAIN, 'web'], server),
      embedded: await run([MAIN, 'start'], muster),
      pairs: await pairs(),
    }
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

function start(argv: readonly string[], env: Readonly<Record<string, string>>, cwd: string): ChildProcess {
  return spawn(process.execPath, ['--no-warnings', ...argv], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/tmp',
      NODE_ENV: 'production',
      WEBHOOK_SECRET: SECRET,
      PRIVATE_KEY: KEY,
      ...env,
    },
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function listening(port: number): Promise<void> {
  const until = Date.now() + 30_000
  while (Date.now() < until) {
    if (await opens(port)) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('the process does not listen')
}

function opens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => done(true)).once('error', () => done(false))
    socket.once('connect', () => socket.destroy())
  })
}
