import { openStorage } from '../../src/operate/storage.ts'
import { costOf } from '../../src/channels/github/costs.ts'
import { SendError, type Sender } from '../../src/channels/types.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import { origin } from '../support/tasks.ts'
import { audit } from './support/audit.ts'
import { Field } from './support/field.ts'
import { openClocked } from './support/clocked.ts'
import { type Fault, percentile, problemsOf, sleep } from './support/suite.ts'
import { labeled, postSigned } from './support/hooks.ts'
import { Yard } from './support/yard.ts'

/** The services outside: lost answers, limits, long replies, a black hole. */

const r12: Fault = {
  id: 'R12',
  title: 'the API commits, then the socket resets or 502; what is new is hidden from lists for 3 s',
  wanted: '0 duplicates in 1,000',
  async run(context) {
    const yard = await Yard.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
    try {
      let faults = 0
      yard.ledger.hiddenMs = 3000
      yard.ledger.fault = () => {
        const dice = context.random()
        if (dice > 0.3) return undefined
        faults++
        return dice > 0.15 ? 'reset' : '502'
      }
      await yard.spawn('web')
      await yard.spawn('worker')
      await yard.spawn('worker')
      const wanted = context.pick(30, 1000)
      let number = 1
      while (faults < wanted) {
        await yard.askMany(number, 10)
        number += 10
        await sleep(context.pick(500, 1500))
      }
      yard.ledger.fault = () => undefined
      await yard.settled(400_000)
      return { number: `${faults} lost answers`, problems: await problemsOf(yard) }
    } finally {
      await yard.close()
    }
  },
}

/** GitHub's windows, by a clock that can be put forward; counts whoever does not wait when told to. */
function limitedService(now: () => number) {
  const writes: number[] = []
  let blockedUntil = 0
  const seen = { early: 0, refused: 0, sent: 0, edits: 0 }
  const sender: Sender = {
    costOf,
    lookUp: async () => undefined,
    async send(body: EffectBody, { mayLeave }) {
      mayLeave()
      const at = now()
      if (at < blockedUntil) seen.early++
      while (writes[0] !== undefined && writes[0] <= at - 3_600_000) writes.shift()
      const minute = writes.filter((one) => one > at - 60_000).length
      if (body.kind === 'comment' && (minute >= 80 || writes.length >= 500)) {
        seen.refused++
        blockedUntil = at + 60_000
        throw new SendError('retry', 'secondary rate limit', { retryAfterMs: 60_000 })
      }
      if (body.kind === 'comment') writes.push(at)
      // Now and then GitHub asks to wait for reasons of its own.
      if (seen.sent % 400 === 399 && at >= blockedUntil) {
        seen.sent++
        blockedUntil = at + 90_000
        throw new SendError('retry', 'asked to wait', { retryAfterMs: 90_000 })
      }
      if (body.kind === 'status.upsert') seen.edits++
      else seen.sent++
      return { id: seen.sent + seen.edits }
    },
  }
  return { sender, seen }
}

const r13: Fault = {
  id: 'R13',
  title: "2,000 queued effects against GitHub's real limits; edits are coalesced",
  wanted: '0 requests before retry-after, none over the limit',
  async run(context) {
    const { store, outbox, seen, now, putAhead, close } = await openClocked(context, limitedService)
    try {
      const place = { repository: origin.repository, number: 5 }
      const total = context.pick(150, 2000)
      for (let conversation = 0; conversation < total / 10; conversation++)
        await store.effects.add(
          `c${conversation}`,
          `c${conversation}`,
          undefined,
          Array.from({ length: 10 }, (_, index) => ({
            key: `e${index}`,
            body: { kind: 'comment', place, document: [] } as const,
          })),
        )
      outbox.start()
      const started = now()
      while (seen.sent < total && now() - started < 24 * 3_600_000) {
        putAhead(5000)
        outbox.kick()
        await sleep(12)
      }
      const hours = (now() - started) / 3_600_000
      // A status that changes fifty times in two seconds is edited a few times, and shows the last state.
      const early = seen.early
      putAhead(0)
      const elsewhere = { ...place, repository: { ...origin.repository, installationId: 8 } }
      for (let change = 0; change < 50; change++) {
        await store.effects.add('s', 's', undefined, [
          { key: 'status', body: { kind: 'status.upsert', place: elsewhere } },
        ])
        outbox.kick()
        await sleep(40)
      }
      await sleep(3000)
      const open = (await store.effects.lane('s status')).effects.length
      return {
        number: `${total} effects over ${hours.toFixed(1)} h (a clock that runs ahead); 50 changes became ${seen.edits} edits`,
        problems: [
          ...(early > 0 ? [`${early} early requests`] : []),
          ...(seen.refused > 0 ? [`${seen.refused} requests over the limit`] : []),
          ...(seen.edits > 5 || seen.edits === 0 ? [`${seen.edits} edits`] : []),
          ...(open > 0 ? ['the last state was not shown'] : []),
        ],
      }
    } finally {
      await close()
    }
  },
}

const r14: Fault = {
  id: 'R14',
  title: 'a 200 KB reply, SIGKILL in the middle of it',
  wanted: 'in parts within the limit, in order, none twice; 0 rejected',
  async run(context) {
    const field = await Field.open({
      databaseUrl: await context.database(),
      redisUrl: context.redis.url,
      release: false,
    })
    const problems: string[] = []
    const rounds = context.pick(1, 4)
    try {
      const { world } = field.stage
      const server = await field.spawn('start')
      const long = Array.from({ length: 4000 }, (_, line) => `Line ${line} ${'x'.repeat(40)}`).join('\n')
      let kills = 0
      for (let round = 0; round < rounds; round++) {
        const issue = await field.stage.people.openIssue('alice', `Long ${round}`, 'Talk.')
        const repository = {
          id: 9001,
          owner: 'acme',
          name: 'price-service',
          defaultBranch: 'main',
          installationId: world.installationId,
        }
        const store = await openStorage({ databaseUrl: field.options.databaseUrl, dataDir: '' })
        const unwatch = world.watch((entry) => {
          // Dead after the first, or the second part.
          if (entry.what !== 'commented' || entry.where !== `#${issue.number}` || entry.who !== world.bot.login) return
          const parts = world.comments.filter((one) => one.issue === issue.number && one.user === world.bot).length
          if (parts === 1 + (round % 2) && kills === round) {
            kills++
            server.signal('SIGKILL')
          }
        })
        await store.store.effects.add(`long${round}`, `long${round}`, undefined, [
          {
            key: 'long',
            body: {
              kind: 'comment',
              place: { repository, number: issue.number },
              document: [{ kind: 'code', text: long, lang: '' }],
            },
          },
        ])
        await store.close()
        await field.settled(0, 400_000)
        unwatch()
        const parts = world.comments.filter((one) => one.issue === issue.number && one.user === world.bot)
        const lines = parts.flatMap((one) => [...one.body.matchAll(/^Line (\d+) /gm)].map(([, nth]) => Number(nth)))
        const inOrder = lines.length === 4000 && lines.every((nth, index) => nth === index)
        if (!inOrder) problems.push(`round ${round}: ${lines.length} lines in ${parts.length} parts`)
        if (parts.some((one) => one.body.length > 65_536)) problems.push('a part is too long')
      }
      if (kills !== rounds) problems.push(`killed ${kills} times`)
      return {
        number: `${rounds} replies of ${Math.round(long.length / 1000)} KB, ${kills} kills`,
        problems: [...problems, ...(await audit(field)).duplicates],
      }
    } finally {
      await field.close()
    }
  },
}

/** The installation whose requests are never answered. */
const IN_THE_HOLE = 8

const r22: Fault = {
  id: 'R22',
  alone: true,
  title: "GitHub answers nothing about one installation (through Muster's own client)",
  wanted: "the others' p99 grows by less than 10 %",
  async run(context) {
    const hole = await Field.openWithHole(
      { databaseUrl: await context.database(), redisUrl: context.redis.url, release: false },
      ({ url = '' }) => url.includes(`/installations/${IN_THE_HOLE}/`),
    )
    const { field } = hole
    try {
      const web = await field.spawn('web')
      await field.spawn('worker')
      const samples = context.pick(20, 150)
      const measure = async () => {
        const waits: number[] = []
        for (let n = 0; n < samples; n++) {
          waits.push(await field.firstSeen())
          await sleep(60)
        }
        return { p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) }
      }
      await measure()
      const before = await measure()
      const { webhookSecret } = field.stage.world.app
      for (let n = 0; n < 60; n++)
        await postSigned(
          `http://127.0.0.1:${web.port}`,
          'issues',
          labeled(9000 + n, IN_THE_HOLE),
          undefined,
          webhookSecret,
        )
      await sleep(3000)
      // Small absolute differences are the machine's noise, and so is what shows once only.
      const isGrown = (one: typeof before) => one.p99 > before.p99 * 1.1 && one.p99 - before.p99 > 40
      const first = await measure()
      const during = isGrown(first) ? await measure() : first
      return {
        number: `p50 ${before.p50} → ${during.p50} ms, p99 ${before.p99} → ${during.p99} ms with 60 tasks in the hole, ${hole.swallowed()} requests unanswered`,
        problems: [
          ...context.slow(isGrown(during), `p99 ${before.p99} → ${during.p99} ms`),
          ...(hole.swallowed() === 0 ? ['nothing went into the hole'] : []),
        ],
      }
    } finally {
      await hole.close()
    }
  },
}

export const OUTSIDE: readonly Fault[] = [r12, r13, r14, r22]
