import type { CrashPoint } from '../../src/telemetry/crash.ts'
import { audit } from './support/audit.ts'
import { Field } from './support/field.ts'
import { type Context, type Fault, meanwhile, problemsOf, sleep } from './support/suite.ts'
import { verifyMany } from './support/verify.ts'
import { labeled } from './support/hooks.ts'
import { auditLedger } from './support/ledger.ts'
import { childrenOf, type Managed } from './support/processes.ts'
import { Yard } from './support/yard.ts'

const POINTS: readonly CrashPoint[] = [
  'signature-ok',
  'inbox-commit',
  'response-sent',
  'enqueued',
  'claimed',
  'model-replied',
  'turn-saved',
  'effect-intent',
  'request-sent',
  'response-received',
  'effect-done',
  'push-done',
  'pr-created',
  'approval-consumed',
  'deploy-started',
]

/** One whole task, with a process that dies the n-th time it passes a point. @returns whether it died, and what was wrong */
async function dieAt(context: Context, point: CrashPoint, nth: number): Promise<{ died: boolean; problems: string[] }> {
  const field = await Field.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
  try {
    const server = await field.spawn('start', {}, { CRASH_AT: `${point}:${nth}` })
    await field.ask()
    await field.settled(1, 400_000)
    const { duplicates, lost } = await audit(field)
    return {
      died: server.crashes > 0,
      problems: [
        ...duplicates,
        ...lost,
        ...field.told.paidAgain.map(({ step, turn }) => `turn ${turn} of ${step} was paid again`),
        ...(server.crashes > 1 ? [`${server.crashes} crashes`] : []),
        ...(await verifyMany(field.db, 1)),
      ].map((problem) => `${point}:${nth}: ${problem}`),
    }
  } finally {
    await field.close()
  }
}

const r1: Fault = {
  id: 'R1',
  title: 'SIGKILL at each crash point, every role',
  wanted: '15 points, each time a task passes them; 0 duplicates, 0 lost',
  async run(context) {
    const problems: string[] = []
    let runs = 0
    const tested = new Set<string>()
    // Quickly, some of the points, other ones every time.
    const chosen = context.full ? POINTS : POINTS.filter(() => context.random() < 0.5)
    const queue = [...chosen]
    const worker = async () => {
      for (let point = queue.shift(); point; point = queue.shift()) {
        // Every pass of a point, role after role, until a task passes it no more; quickly, one pass of each.
        const first = context.full ? 1 : 1 + Math.floor(context.random() * (SELDOM.has(point) ? 1 : 3))
        for (let nth = first; ; nth++) {
          const { died, problems: found } = await dieAt(context, point, nth)
          problems.push(...found)
          if (died) {
            runs++
            tested.add(point)
          }
          if (!died || !context.full || nth >= MOST) break
        }
        context.say(`${point} (${runs} crashes so far)`)
      }
    }
    await Promise.all([worker(), worker(), worker()])
    const missing = chosen.filter((point) => !tested.has(point))
    return {
      number: `${runs} crashes at ${tested.size} points`,
      problems: [...problems, ...missing.map((point) => `${point} was never passed`)],
    }
  },
}
/** Points that a task passes more often have been passed by every role by then. */
const MOST = 12
/** Passed once or twice by a task. */
const SELDOM = new Set<CrashPoint>([
  'push-done',
  'pr-created',
  'approval-consumed',
  'deploy-started',
  'signature-ok',
  'inbox-commit',
  'response-sent',
  'enqueued',
])

const r2: Fault = {
  id: 'R2',
  title: 'random SIGKILL every 1–5 s, of web and workers',
  wanted: '5,000 tasks; 0 duplicates, 0 lost',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
    try {
      const processes = [
        await yard.spawn('web'),
        await yard.spawn('web'),
        await yard.spawn('worker'),
        await yard.spawn('worker'),
      ]
      const killing = meanwhile(
        () => processes[Math.floor(context.random() * processes.length)]?.signal('SIGKILL'),
        () => 1000 + context.random() * 4000,
      )
      const tasks = context.pick(60, 5000)
      await yard.askMany(1, tasks, 8)
      await yard.settled(context.pick(400_000, 30 * 60_000)).finally(() => killing.stop())
      const crashes = processes.reduce((sum, one) => sum + one.crashes, 0)
      return { number: `${tasks} tasks, ${crashes} kills`, problems: await problemsOf(yard) }
    } finally {
      await yard.close()
    }
  },
}

const POISON = 'Poison'
/** Numbers of issues that no other task has. */
const POISONED = 9000

/** Kills some process of Muster, whichever: those that it starts for suspects too. @returns which it was; undefined: there was none */
function killAny(processes: readonly Managed[], random: () => number): 'own' | 'of a suspect' | undefined {
  const own = processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
  const pids = [...own, ...own.flatMap(childrenOf)]
  const at = Math.floor(random() * pids.length)
  const pid = pids[at]
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL') ? (at < own.length ? 'own' : 'of a suspect') : undefined
  } catch {
    return undefined
  }
}

const r21: Fault = {
  id: 'R2.1',
  title: 'random SIGKILL of every process, in the middle of long steps, with real poison among them',
  wanted: '1,000 kills over 200 tasks: 0 set aside but the poison; 0 duplicates, 0 lost',
  async run(context) {
    const yard = await Yard.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      env: { MUSTER_TEST_THINK_MS: '500', MUSTER_CONCURRENCY: '4' },
    })
    try {
      const kinds = ['web', 'worker', 'worker', 'worker'] as const
      const processes: Managed[] = []
      for (const kind of kinds) processes.push(await yard.spawn(kind))
      const tasks = context.pick(30, 200)
      const wanted = context.pick(40, 1000)
      const poison = context.pick(1, 5)
      let kills = 0
      let ofSuspects = 0
      const killing = meanwhile(
        () => {
          const killed = killAny(processes, context.random)
          if (killed) kills++
          if (killed === 'of a suspect') ofSuspects++
        },
        () => 500 + context.random() * 1000,
      )
      // Asked for little by little, so that there is work as long as there are kills.
      let asked = 0
      while (kills < wanted || asked < tasks) {
        if (asked < tasks && asked * wanted <= kills * tasks) {
          await yard.ask(++asked)
          if (asked <= poison) await yard.post('issues', labeled(POISONED + asked, 7, POISON), `poison-${asked}`)
        }
        await sleep(100)
      }
      await killing.stop()
      const ofPoison = (is: '=' | '<>') =>
        yard.count(`task WHERE state->'origin'->>'title' ${is} '${POISON}' AND state::text LIKE '%quarantined%'`)
      await yard.settled(20 * 60_000, tasks)
      const until = Date.now() + 5 * 60_000
      while ((await ofPoison('=')) < poison && Date.now() < until) await sleep(500)
      const [aside, found] = [await ofPoison('<>'), await ofPoison('=')]
      const events = await yard.count("inbound_event WHERE reason = 'quarantined'")
      const entries = yard.ledger.entries.filter(({ number }) => number < POISONED || number > POISONED + poison)
      const { duplicates, lost } = auditLedger({ entries, told: yard.ledger.told }, tasks, true)
      return {
        number: `${tasks} tasks, ${kills} kills (${ofSuspects} of suspects' own processes), ${aside} set aside; ${found} of ${poison} poisoned ones`,
        problems: [
          ...duplicates.slice(0, 5).map((what) => `twice: ${what}`),
          ...lost.slice(0, 5).map((what) => `lost: ${what}`),
          ...(aside > 0 ? [`${aside} innocent tasks set aside`] : []),
          ...(events > 0 ? [`${events} innocent events set aside`] : []),
          ...(found < poison ? [`${poison - found} poisoned tasks not set aside`] : []),
          ...(await verifyMany(yard.db, 100)),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

const r3: Fault = {
  id: 'R3',
  alone: true,
  title: 'PostgreSQL restarts at once (-m immediate)',
  wanted: '10,000 tasks, restart every 2–10 s; 0 duplicates, 0 lost, reconnects by itself',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, release: false })
    try {
      await yard.spawn('web')
      const workers = [await yard.spawn('worker'), await yard.spawn('worker')]
      let restarts = 0
      const breaking = meanwhile(
        () => {
          context.cluster.restart()
          restarts++
        },
        () => 2000 + context.random() * 8000,
      )
      const tasks = context.pick(60, 10_000)
      const asking = yard.askMany(1, tasks, 8)
      await asking
      // On a quick machine all is asked for before the first restart.
      if (restarts === 0) {
        context.cluster.restart()
        restarts++
      }
      if (!context.full) await sleep(3000)
      await yard.settled(context.pick(400_000, 60 * 60_000)).finally(() => breaking.stop())
      return {
        number: `${tasks} tasks, ${restarts} restarts`,
        problems: [
          ...(await problemsOf(yard)),
          ...workers.flatMap((one) => one.ends.map((end) => `a worker ended: ${end}`)),
          ...(restarts === 0 ? ['no restart'] : []),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

const r4: Fault = {
  id: 'R4',
  alone: true,
  title: 'Redis: kill -9 and FLUSHALL',
  wanted: '0 lost, rebuilt within 10 s',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, release: false })
    try {
      await yard.spawn('web')
      const tasks = context.pick(100, 2000)
      // Everything waits in the queue, and nowhere else, when Redis goes.
      await yard.askMany(1, tasks)
      await context.redis.kill()
      const whileDown = await yard.askMany(tasks + 1, context.pick(20, 200))
      await context.redis.up()
      await yard.spawn('worker')
      await yard.spawn('worker')
      const started = performance.now()
      const goal = Math.min(50, tasks)
      let rebuilt = 0
      while (rebuilt === 0 && performance.now() - started < 400_000) {
        if ((await yard.count('inbound_event WHERE decided_at IS NULL')) < tasks - goal)
          rebuilt = performance.now() - started
        await sleep(50)
      }
      await context.redis.flush()
      await yard.settled(context.pick(400_000, 10 * 60_000))
      const refused = whileDown.filter((ack) => ack.status !== 202).length
      return {
        number: `${yard.asked} tasks, back at work after ${(rebuilt / 1000).toFixed(1)} s`,
        problems: [
          ...(await problemsOf(yard)),
          ...(refused > 0 ? [`${refused} webhooks refused while Redis was away`] : []),
          ...(rebuilt === 0
            ? ['not rebuilt']
            : context.slow(rebuilt > 10_000, `rebuilt after ${Math.round(rebuilt)} ms`)),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

export const CRASHES: readonly Fault[] = [r1, r2, r21, r3, r4]
