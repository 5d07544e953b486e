import type { Ledger } from '../faults/support/ledger.ts'
import { percentile, sleep } from '../faults/support/suite.ts'
import { Yard } from '../faults/support/yard.ts'
import { durablePoints } from './dbos.ts'

export interface Throughput {
  readonly perHour: number
  readonly tasks: number
  readonly seconds: number
  /** What of each is durable by itself. */
  readonly points?: number
}

/** A task whose fifth step (the plan of its release) is done: there and nowhere before it waits for people. */
const DONE = "task WHERE status = 'waiting'"
/** How often it is looked whether all is done, ms. More looks would be measured along. */
const LOOK_MS = 200
/** So many are done before it counts: until then it is measured how fast V8 compiles, and PostgreSQL prepares. */
export const WARM = 400
const INSTANT = { MUSTER_TEST_STAND: 'instant', LOG_LEVEL: 'error' }

/** Tasks of five steps (spec, design, change, proof, release plan) with a model and a GitHub that answer at once. */
export async function measureTasks(
  database: () => Promise<string>,
  redisUrl: string,
  workers: number,
  tasks: number,
  stored = 0,
): Promise<Throughput> {
  const yard = await Yard.open({ databaseUrl: await database(), redisUrl, approval: 'other', env: INSTANT })
  try {
    const web = await yard.spawn('web')
    const extra = { MUSTER_TEST_CONTROL: `http://127.0.0.1:${web.port}` }
    if (stored > 0) await fill(yard, stored, extra)
    for (let n = 0; n < workers; n++) await yard.spawn('worker', extra)
    const before = (stored > 0 ? await yard.count(DONE) : 0) + WARM
    await yard.askMany(1_000_001, WARM, 16)
    while ((await yard.count(DONE)) < before) await sleep(LOOK_MS)
    const started = performance.now()
    await yard.askMany(2_000_001, tasks, 16)
    while ((await yard.count(DONE)) < before + tasks) await sleep(LOOK_MS)
    const seconds = (performance.now() - started) / 1000
    const points = stored > 0 ? {} : { points: await durablePoints(yard.db) }
    return { perHour: Math.round((tasks / seconds) * 3600), tasks, seconds: Math.round(seconds * 10) / 10, ...points }
  } finally {
    await yard.close()
  }
}

/** One task is worked off; then as many copies of all its rows as are wanted, finished. */
async function fill(yard: Yard, stored: number, extra: Readonly<Record<string, string>>): Promise<void> {
  const worker = await yard.spawn('worker', extra)
  await yard.ask(1)
  while ((await yard.count(DONE)) < 1) await sleep(LOOK_MS)
  await sleep(1500)
  await worker.stop()
  const copies: readonly [table: string, id: (column: string) => string | undefined][] = [
    ['conversation', (column) => (column === 'id' ? "t.id || '-' || n" : undefined)],
    [
      'conversation_link',
      (column) => (column === 'key' || column === 'conversation_id' ? `t.${column} || '-' || n` : undefined),
    ],
    ['task', taskColumn],
    ['task_event', (column) => (column === 'task_id' ? "t.task_id || '-' || n" : undefined)],
    ['turn', (column) => (column === 'task_id' ? "t.task_id || '-' || n" : undefined)],
    ['effect', effectColumn],
    ['inbound_event', inboundColumn],
  ]
  await yard.db.query('SET synchronous_commit = off')
  for (const [table, change] of copies) {
    const { rows } = await yard.db.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '${table}'`,
    )
    const columns = rows.map((row) => row.name)
    const values = columns.map((column) => change(column) ?? `t."${column}"`)
    await yard.db.query(
      `INSERT INTO "${table}" (${columns.map((one) => `"${one}"`).join(', ')}) SELECT ${values.join(', ')} FROM "${table}" t, generate_series(1, ${stored}) AS n`,
    )
  }
  // What the copying left to do is done now, not while it is measured.
  await yard.db.query('VACUUM ANALYZE')
  await yard.db.query('CHECKPOINT')
}

function taskColumn(column: string): string | undefined {
  if (column === 'id' || column === 'conversation_id') return `t.${column} || '-' || n`
  if (column === 'status') return "'done'"
  if (column === 'finished_at') return 'now()'
  if (column === 'work') return 'NULL'
  if (column === 'state') return "jsonb_set(t.state, '{gates}', '[]')"
  if (column === 'created_at' || column === 'updated_at') return `t.${column} - n * interval '1 second'`
  return undefined
}

function effectColumn(column: string): string | undefined {
  if (column === 'id' || column === 'scope' || column === 'conversation_id') return `t.${column} || '-' || n`
  if (column === 'task_id') return "t.task_id || '-' || n"
  if (column === 'status') return "'done'"
  if (column === 'ordinal') return "nextval('effect_ordinal_seq')"
  return undefined
}

function inboundColumn(column: string): string | undefined {
  if (column === 'id' || column === 'delivery_id' || column === 'lane') return `t.${column} || '-' || n`
  if (column === 'conversation_id' || column === 'task_id') return `t.${column} || '-' || n`
  if (column === 'decided_at') return 'now()'
  if (column === 'seq') return "nextval('inbound_event_seq_seq')"
  return undefined
}

/** From a webhook to the first thing seen of it, while so many tasks are at work. */
export async function measureReaction(
  database: () => Promise<string>,
  redisUrl: string,
  busy: number,
  samples: number,
): Promise<{ p50: number; p99: number }> {
  const yard = await Yard.open({
    databaseUrl: await database(),
    redisUrl,
    release: false,
    merges: false,
    env: { MUSTER_TEST_THINK_MS: '2000', LOG_LEVEL: 'error', MUSTER_CONCURRENCY: '100' },
  })
  try {
    await yard.spawn('web')
    await yard.spawn('worker')
    await yard.spawn('worker')
    await yard.askMany(1, busy)
    await sleep(2000)
    const times: number[] = []
    for (let n = 0; n < samples; n++) {
      const number = 10_000 + n
      const asked = Date.now()
      await yard.ask(number)
      times.push((await seen(yard.ledger, number)) - asked)
      await sleep(100)
    }
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
  } finally {
    await yard.close()
  }
}

async function seen(ledger: Ledger, number: number): Promise<number> {
  for (;;) {
    const entry = ledger.entries.findLast((one) => one.number === number)
    if (entry) return entry.at
    await sleep(2)
  }
}
