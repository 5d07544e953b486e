import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type Fault, problemsOf, sleep } from './support/suite.ts'
import { Yard } from './support/yard.ts'

/** The machine: connections that run out, and what leaks in the long run. */

const r23: Fault = {
  id: 'R23',
  alone: true,
  title: 'all connections of the database are taken',
  wanted: '0 missed acks; the work goes on afterwards',
  async run(context) {
    const url = await context.database()
    const yard = await Yard.open({ databaseUrl: url, redisUrl: context.redis.url })
    const greedy: pg.Client[] = []
    try {
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.askMany(1, 10)
      await sleep(1000)
      for (;;) {
        const client = new pg.Client({ connectionString: url })
        client.on('error', () => {})
        try {
          await client.connect()
          greedy.push(client)
        } catch {
          break
        }
      }
      const acks = await yard.askMany(11, context.pick(40, 400))
      await sleep(2000)
      await Promise.all(greedy.splice(0).map((client) => client.end()))
      await yard.settled(400_000)
      const missed = acks.filter((ack) => ack.status !== 202).length
      return {
        number: `${acks.length} webhooks while nobody else could connect`,
        problems: [...(missed > 0 ? [`${missed} missed acks`] : []), ...(await problemsOf(yard))],
      }
    } finally {
      await Promise.all(greedy.map((client) => client.end().catch(() => {})))
      await yard.close()
    }
  },
}

const r24: Fault = {
  id: 'R24',
  alone: true,
  title: 'soak with the faults mixed',
  wanted: 'nothing leaks: memory slope < 1 MB per 10 min, files, folders',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
    try {
      const web = await yard.spawn('web')
      const heap = join(yard.dir, 'heap')
      const steady = await yard.spawn('worker', { MUSTER_TEST_HEAP: heap })
      const victim = await yard.spawn('worker')
      const minutes = context.pick(0.2, 10)
      const until = Date.now() + minutes * 60_000
      const sample = (pid: number | undefined) => ({
        mb: existsSync(heap) ? Number(readFileSync(heap, 'utf8')) / 2 ** 20 : 0,
        files: readdirSync(`/proc/${pid}/fd`).length,
      })
      yard.ledger.fault = () => (context.random() < 0.03 ? (context.random() < 0.5 ? 'reset' : '502') : undefined)
      const samples: { at: number; mb: number; files: number }[] = []
      let number = 1
      let nextFault = Date.now() + 5000
      while (Date.now() < until) {
        await yard.ask(number++)
        await sleep(100)
        if (number % 20 === 0) samples.push({ at: Date.now(), ...sample(steady.pid) })
        if (Date.now() < nextFault) continue
        nextFault = Date.now() + context.pick(3000, 20_000)
        const dice = context.random()
        if (dice < 0.3) victim.signal('SIGKILL')
        else if (dice < 0.5) await context.redis.flush()
        else if (dice < 0.7) context.cluster.restart()
        else {
          victim.signal('SIGSTOP')
          setTimeout(() => victim.signal('SIGCONT'), 2000)
        }
      }
      yard.ledger.fault = () => undefined
      await yard.settled(400_000)
      // The first half fills what is kept on purpose (the tasks that were worked on last).
      const half = samples.slice(Math.floor(samples.length / 2))
      const slope = slopeOf(half) * 600_000
      // Quickly, the pools are still filling when the first look is taken.
      const files = sample(steady.pid).files - (half[0]?.files ?? 0)
      const mayOpen = context.pick(40, 15)
      const folders = readdirSync(yard.dir).length
      void web
      return {
        number: `${yard.asked} tasks in ${minutes} min; ${slope.toFixed(1)} MB per 10 min, ${files} more files open`,
        problems: [
          ...(await problemsOf(yard)),
          ...(context.full && slope > 1 ? [`memory grows by ${slope.toFixed(1)} MB per 10 min`] : []),
          ...(files > mayOpen ? [`${files} more files open`] : []),
          ...(folders > 12 ? [`${folders} folders left`] : []),
          ...steady.ends.map((end) => `the steady worker ended: ${end}`),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

/** Least squares: MB per ms. */
function slopeOf(samples: readonly { at: number; mb: number }[]): number {
  if (samples.length < 2) return 0
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length
  const [at, mb] = [mean(samples.map((one) => one.at)), mean(samples.map((one) => one.mb))]
  const over = samples.reduce((sum, one) => sum + (one.at - at) * (one.mb - mb), 0)
  const under = samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0)
  return under === 0 ? 0 : over / under
}

const b1: Fault = {
  id: 'B1',
  title: 'bad input in the database and in the queue',
  wanted: 'each ends in a decision; the process lives; nothing else is lost',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, release: false })
    try {
      await yard.spawn('web')
      const worker = await yard.spawn('worker')
      await yard.askMany(1, 3)
      await yard.settled(400_000)
      await yard.db.query(BAD_ROWS)
      await yard.askMany(10, 3)
      const until = Date.now() + 40_000
      const open = () => yard.count("inbound_event WHERE decided_at IS NULL AND id LIKE 'bad%'")
      while ((await open()) > 0 && Date.now() < until) await sleep(200)
      while ((await yard.count("effect WHERE id = 'bad-effect' AND status = 'failed'")) === 0 && Date.now() < until)
        await sleep(200)
      const tasks = await yard.count("task WHERE finished_at IS NOT NULL AND id NOT LIKE 'bad%'")
      const { rows } = await yard.db.query<{ id: string; outcome: string | null; reason: string | null }>(
        "SELECT id, outcome, reason FROM inbound_event WHERE id LIKE 'bad%' ORDER BY id",
      )
      const failed = await yard.count("effect WHERE id = 'bad-effect' AND status = 'failed'")
      return {
        number: rows.map((row) => `${row.outcome ?? 'undecided'} (${row.reason ?? ''})`).join(', '),
        problems: [
          ...(rows.every((row) => row.outcome === 'ignored') ? [] : ['a damaged event was not decided']),
          ...(failed === 1 ? [] : ['a damaged effect is no dead letter']),
          ...(tasks === 6 ? [] : [`${tasks} of 6 other tasks ended`]),
          ...worker.ends.map((end) => `the worker ended: ${end}`),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

/** A payload that was cut off, one that is no text, an effect that nobody knows, a task whose state is gone. */
const BAD_ROWS = `
  INSERT INTO inbound_event (id, source, delivery_id, kind, body, lane) VALUES ('bad-1', 'github', 'bad-1', 'issues', '{"action":"lab', 'github:7#90');
  INSERT INTO inbound_event (id, source, delivery_id, kind, body) VALUES ('bad-2', 'github', 'bad-2', 'issues', decode('ff00fe80', 'hex'));
  INSERT INTO effect (id, scope, key, conversation_id, kind, payload, lane, account)
    VALUES ('bad-effect', 'bad', 'bad', 'bad', 'nonsense', '{"kind":"nonsense"}', 'bad', 'github:7');
  INSERT INTO effect_lane (name, account, priority, due_at) VALUES ('bad', 'github:7', 1, now());
  INSERT INTO task (id, conversation_id, status, workflow, title, repository, state, version, stamp, work, chain_seq)
    VALUES ('bad-task', 'bad', 'working', 'change', 'x', 'a/b', '{}', 1, 1, '[{"kind":"step","step":"spec","role":"pm","attempt":1}]', 1)`

export const MACHINE: readonly Fault[] = [r23, r24, b1]
