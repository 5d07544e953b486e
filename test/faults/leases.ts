import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fault, problemsOf, sleep } from './support/suite.ts'
import { Yard } from './support/yard.ts'

/** Leases are shorter here than in earnest, and pauses longer than they, so that hundreds of them fit into minutes. */
const LEASE_MS = 1000
const SHORT = { MUSTER_TEST_LEASE_MS: String(LEASE_MS) }

const r5: Fault = {
  id: 'R5',
  title: 'SIGSTOP past the lease, then SIGCONT',
  wanted: '500 pauses, 0 late writes',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, env: SHORT })
    try {
      await yard.spawn('web')
      const workers = await Promise.all([1, 2, 3, 4].map(() => yard.spawn('worker')))
      const wanted = context.pick(6, 500)
      let pauses = 0
      let asking = true
      const ask = (async () => {
        for (let number = 1; asking; number++) {
          await yard.ask(number)
          await sleep(context.pick(100, 300))
        }
      })()
      // Two at a time, so that somebody is left to take over.
      const pauser = async (mine: typeof workers) => {
        while (pauses < wanted) {
          pauses++
          const worker = mine[Math.floor(context.random() * mine.length)]
          worker?.signal('SIGSTOP')
          await sleep(LEASE_MS + 300 + context.random() * 1200)
          worker?.signal('SIGCONT')
          await sleep(context.random() * 500)
        }
      }
      await Promise.all([pauser(workers.slice(0, 2)), pauser(workers.slice(2))])
      asking = false
      await ask
      await yard.settled(400_000)
      return {
        number: `${pauses} pauses of ${yard.asked} tasks at work (lease ${LEASE_MS / 1000} s)`,
        problems: await problemsOf(yard),
      }
    } finally {
      await yard.close()
    }
  },
}

const r6: Fault = {
  id: 'R6',
  title: 'the event loop is blocked for one and a half leases',
  wanted: '0 of 200 run twice',
  async run(context) {
    const blockMs = LEASE_MS * 1.5
    const yard = await Yard.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      release: false,
      env: { ...SHORT, MUSTER_TEST_BLOCK_MS: String(blockMs), MUSTER_CONCURRENCY: '4' },
    })
    try {
      await yard.spawn('web')
      for (let n = 0; n < 4; n++) await yard.spawn('worker')
      const tasks = context.pick(6, 200)
      await yard.askMany(1, tasks)
      await yard.settled(context.pick(400_000, 30 * 60_000))
      const twice = await yard.count(
        "(SELECT task_id FROM task_event WHERE type = 'design.written' GROUP BY task_id HAVING count(*) > 1) AS t",
      )
      return {
        number: `${tasks} blocked (lease ${LEASE_MS / 1000} s, blocked ${blockMs / 1000} s)`,
        problems: [...(await problemsOf(yard)), ...(twice > 0 ? [`${twice} designs written twice`] : [])],
      }
    } finally {
      await yard.close()
    }
  },
}

const r20: Fault = {
  id: 'R20',
  title: "the app's clock is an hour off, either way",
  wanted: '0 double runs',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, env: SHORT })
    try {
      const skew = (ms: number) => {
        const file = join(yard.dir, `skew${ms}.mjs`)
        writeFileSync(
          file,
          `const Real = Date; globalThis.Date = class extends Real { constructor(...args) { args.length ? super(...args) : super(Real.now() + ${ms}) } static now() { return Real.now() + ${ms} } }`,
        )
        return { NODE_OPTIONS: `--import ${file}` }
      }
      await yard.spawn('web', skew(-3_600_000))
      await yard.spawn('worker', skew(3_600_000))
      await yard.spawn('worker', skew(-3_600_000))
      await yard.spawn('worker')
      const tasks = context.pick(30, 1000)
      await yard.askMany(1, tasks, 8)
      await yard.settled(context.pick(400_000, 20 * 60_000))
      return { number: `${tasks} tasks on three clocks`, problems: await problemsOf(yard) }
    } finally {
      await yard.close()
    }
  },
}

const r18: Fault = {
  id: 'R18',
  title: 'SIGTERM under load',
  wanted: 'drained within 10 s, 0 stalled',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
    try {
      await yard.spawn('web')
      const rounds = context.pick(2, 20)
      const took: number[] = []
      let number = 1
      for (let round = 0; round < rounds; round++) {
        const worker = await yard.spawn('worker')
        await yard.askMany(number, 30)
        number += 30
        await sleep(500 + context.random() * 1500)
        took.push(await worker.stop())
      }
      await yard.spawn('worker')
      await yard.settled(400_000)
      const held = await yard.count("lease WHERE name LIKE 'step:%'")
      const longest = Math.max(...took)
      return {
        number: `${rounds} stops, the longest ${(longest / 1000).toFixed(1)} s`,
        problems: [
          ...(await problemsOf(yard)),
          ...context.slow(longest > 10_000, `a stop took ${Math.round(longest)} ms`),
          ...(held > 0 ? [`${held} leases left`] : []),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

export const LEASES: readonly Fault[] = [r5, r6, r18, r20]
