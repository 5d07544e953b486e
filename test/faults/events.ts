import { type Fault, percentile, sleep } from './support/suite.ts'
import { commented, envelope, issueOf, labeled } from './support/hooks.ts'
import { residentMegabytes } from './support/processes.ts'
import { type Ack, Yard } from './support/yard.ts'

/** What arrives: the same again, in crowds, in bursts. */

const refusedOf = (acks: readonly Ack[]) => acks.filter((ack) => ack.status !== 202).length

const r7: Fault = {
  id: 'R7',
  title: 'the same delivery ×100 in parallel; twins of one action',
  wanted: 'one task of 100',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, release: false })
    try {
      await yard.spawn('web')
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.spawn('worker')
      const rounds = context.pick(3, 100)
      for (let number = 1; number <= rounds; number++) {
        yard.asked++
        const guid = `delivery-${number}`
        const issue = { ...issueOf(number), body: '@muster build' }
        const opened = { action: 'opened', issue, ...envelope(number) }
        await Promise.all([
          ...Array.from({ length: 100 }, () => yard.post('issues', labeled(number), guid)),
          // What GitHub sends besides, for an issue that is opened with the label on it.
          yard.post('issues', opened, `twin-${number}`),
          yard.post('issues', { ...labeled(number), label: { name: 'bug' } }, `other-${number}`),
        ])
        await yard.post('issues', labeled(number), guid)
      }
      await yard.settled(400_000, rounds)
      const duplicates = await yard.count("inbound_event WHERE outcome = 'duplicate' AND reason = 'delivery_seen'")
      const tasks = await yard.count('task')
      return {
        number: `${tasks} tasks of ${rounds * 103} webhooks`,
        problems: [
          // A second way of asking is answered in words: those comments are no duplicates.
          ...yard.audit(rounds).lost,
          ...(tasks === rounds ? [] : [`${tasks} tasks instead of ${rounds}`]),
          ...(duplicates === rounds * 100 ? [] : [`${duplicates} deliveries were recognised as seen`]),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

const r9: Fault = {
  id: 'R9',
  alone: true,
  title: '200 threads × 20 messages, one of them stalled',
  wanted: "order within each thread; the others' p99 wait below 1 s",
  async run(context) {
    const yard = await Yard.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      release: false,
      merges: false,
    })
    try {
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.spawn('worker')
      const [threads, messages, perSecond] = [context.pick(30, 200), context.pick(5, 20), 60]
      await yard.askMany(1, threads)
      const until = Date.now() + 120_000
      while ((await yard.count("task WHERE state->'pullRequest'->>'draft' = 'false'")) < threads && Date.now() < until)
        await sleep(200)
      await yard.settled(400_000, 0)
      const stall = { id: 66, login: 'stall', type: 'User' }
      const sent: Promise<Ack>[] = []
      const started = performance.now()
      for (let nth = 1; nth <= messages; nth++)
        for (let thread = 1; thread <= threads; thread++) {
          const who = thread === 1 ? stall : undefined
          const wait = (sent.length / perSecond) * 1000 - (performance.now() - started)
          if (wait > 0) await sleep(wait)
          sent.push(yard.post('issue_comment', commented(thread, thread * 1000 + nth, `@muster status ${nth}`, 7, who)))
        }
      const refused = refusedOf(await Promise.all(sent))
      const others = "inbound_event WHERE kind = 'issue_comment.created' AND lane <> 'github:7#1'"
      const decidedBy = Date.now() + 60_000
      while (
        (await yard.count(`${others} AND decided_at IS NOT NULL`)) < (threads - 1) * messages &&
        Date.now() < decidedBy
      )
        await sleep(200)
      const { rows } = await yard.db.query<{ wait: number }>(
        `SELECT EXTRACT(EPOCH FROM decided_at - received_at)::float * 1000 AS wait FROM ${others}`,
      )
      const disorder = await yard.count(
        `(SELECT decided_at < lag(decided_at) OVER (PARTITION BY lane ORDER BY seq) AS early FROM ${others}) AS x WHERE early`,
      )
      const p99 = percentile(
        rows.map((row) => row.wait),
        0.99,
      )
      return {
        number: `p99 ${Math.round(p99)} ms at ${perSecond} messages/s, ${rows.length} messages`,
        problems: [
          ...(disorder > 0 ? [`${disorder} messages out of order`] : []),
          ...context.slow(p99 >= 1000, `p99 ${Math.round(p99)} ms`),
          ...(refused > 0 ? [`${refused} refused`] : []),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

const r10: Fault = {
  id: 'R10',
  alone: true,
  title: '300 webhooks/s with saturated workers',
  wanted: '60 s; p99 of the ack ≤ 250 ms; each is in the database',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
    try {
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.spawn('worker')
      await yard.askMany(1, context.pick(60, 600))
      const seconds = context.pick(5, 60)
      const acks: Promise<Ack>[] = []
      const started = performance.now()
      for (let nth = 0; nth < seconds * 300; nth++) {
        const wait = (nth / 300) * 1000 - (performance.now() - started)
        if (wait > 2) await sleep(wait)
        acks.push(yard.post('issue_comment', commented(50_000 + (nth % 500), 9_000_000 + nth, 'Just talk.')))
      }
      const all = await Promise.all(acks)
      const stored = await yard.count("inbound_event WHERE source = 'github' AND lane ~ '#50[0-9]{3}$'")
      const p99 = percentile(
        all.map((ack) => ack.ms),
        0.99,
      )
      return {
        number: `${all.length} webhooks, p50 ${Math.round(
          percentile(
            all.map((ack) => ack.ms),
            0.5,
          ),
        )} ms, p99 ${Math.round(p99)} ms`,
        problems: [
          ...context.slow(p99 > 250, `p99 ${Math.round(p99)} ms`),
          ...(refusedOf(all) > 0 ? [`${refusedOf(all)} refused`] : []),
          ...(stored === all.length ? [] : [`${stored} of ${all.length} stored`]),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

const r17: Fault = {
  id: 'R17',
  alone: true,
  title: 'a burst of 50,000 events of one installation',
  wanted: 'memory below 512 MB; others get their share',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url, release: false })
    try {
      const web = await yard.spawn('web')
      const worker = await yard.spawn('worker')
      const count = context.pick(3000, 50_000)
      let most = 0
      const look = () => {
        for (const { pid } of [web, worker]) most = Math.max(most, residentMegabytes(pid))
      }
      const watching = setInterval(look, 250)
      let next = 0
      const burst = Promise.all(
        Array.from({ length: 32 }, async () => {
          while (next < count) {
            const nth = next++
            await yard.post('issue_comment', commented(1 + (nth % 1000), nth, 'Just talk.', 1))
          }
        }),
      )
      await sleep(context.pick(500, 5000))
      // Somebody else asks in the middle of it.
      const others = context.pick(5, 30)
      for (let n = 0; n < others; n++) {
        await yard.post('issue_comment', commented(n, n, 'Just talk.', 2))
        await sleep(300)
      }
      await burst
      while ((await yard.count('inbound_event WHERE decided_at IS NULL')) > 0) await sleep(500)
      clearInterval(watching)
      const { rows } = await yard.db.query<{ wait: number }>(
        "SELECT EXTRACT(EPOCH FROM decided_at - received_at)::float * 1000 AS wait FROM inbound_event WHERE account = 'github:2'",
      )
      const p99 = percentile(
        rows.map((row) => row.wait),
        0.99,
      )
      const decided = await yard.count("inbound_event WHERE account = 'github:1' AND decided_at IS NOT NULL")
      return {
        number: `${decided} events, at most ${Math.round(most)} MB; the others waited p99 ${Math.round(p99)} ms`,
        problems: [
          ...(most > 512 ? [`${Math.round(most)} MB`] : []),
          ...(decided === count ? [] : [`${decided} of ${count} decided`]),
          ...context.slow(p99 > 2000, `others waited ${Math.round(p99)} ms`),
        ],
      }
    } finally {
      await yard.close()
    }
  },
}

export const EVENTS: readonly Fault[] = [r7, r9, r10, r17]
