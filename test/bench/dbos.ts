import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Throughput } from './tasks.ts'

const PEER = fileURLToPath(new URL('./peer.ts', import.meta.url))
const AT_ONCE = 64

/** Workflows of so many durable steps that do nothing, by DBOS Transact in a process of its own, on the same PostgreSQL. */
export async function measurePeer(
  databaseUrl: string,
  steps: number,
  workflows: number,
  warm: number,
): Promise<Throughput> {
  const argv = ['--no-warnings', PEER, String(steps), String(workflows), String(AT_ONCE), String(warm)]
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: databaseUrl }
  const child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (part: Buffer) => (out += String(part)))
  const code = await new Promise<number | null>((done) => child.once('exit', done))
  if (code !== 0) throw new Error(`the peer ended with ${code}`)
  const { seconds } = JSON.parse(out) as { seconds: number }
  return { perHour: Math.round((workflows / seconds) * 3600), tasks: workflows, seconds: Math.round(seconds * 10) / 10 }
}

/**
 * What of a task of ours is durable by itself, counted in the database: each webhook and its decision, each turn, each step, each effect.
 * The peer is given as many steps.
 */
export async function durablePoints(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<{ points: string }>(
    `SELECT 2 * (SELECT count(*) FROM inbound_event e WHERE e.conversation_id = t.conversation_id)
          + (SELECT count(*) FROM turn WHERE task_id = t.id)
          + jsonb_array_length(t.state->'steps')
          + (SELECT count(*) FROM effect e WHERE e.conversation_id = t.conversation_id) AS points
       FROM task t WHERE t.state->'gates'->0->>'kind' = 'deploy' ORDER BY created_at LIMIT 1`,
  )
  return Number(rows[0]?.points ?? 0)
}
