import { createHmac } from 'node:crypto'
import { openStorage } from '../../src/operate/storage.ts'
import type { Surface } from '../../src/core/said.ts'
import type { CrashPoint } from '../../src/telemetry/crash.ts'
import { origin } from '../support/tasks.ts'
import { WINDOWED } from './limits.ts'
import { CHANNELS, type ChannelName, Hall } from './support/hall.ts'
import { type Context, type Fault, sleep } from './support/suite.ts'

/** The faults that every channel has to stand, on the channels beside GitHub. */

const POINTS: readonly CrashPoint[] = [
  'signature-ok',
  'inbox-commit',
  'response-sent',
  'enqueued',
  'claimed',
  'effect-intent',
  'response-received',
  'effect-done',
]

/** Whatever becomes of it, the hall is cleared. */
async function inHall<T>(context: Context, play: (hall: Hall) => Promise<T>): Promise<T> {
  const hall = await Hall.open({ databaseUrl: await context.database(), redisUrl: context.redis.url })
  try {
    return await play(hall)
  } finally {
    await hall.close()
  }
}

const r1: Fault = {
  id: 'R1.1',
  title: 'SIGKILL at each crash point, asked for in Slack, Jira and ClickUp',
  wanted: '0 written twice, 0 lost',
  async run(context) {
    const all = CHANNELS.flatMap((channel) => POINTS.map((point) => ({ channel, point })))
    const queue = context.full
      ? all
      : CHANNELS.map((channel) => ({
          channel,
          point: POINTS[Math.floor(context.random() * POINTS.length)] ?? 'claimed',
        }))
    const problems: string[] = []
    let crashes = 0
    for (const { channel, point } of queue) {
      const nth = 1 + Math.floor(context.random() * 3)
      await inHall(context, async (hall) => {
        const server = await hall.spawn({ CRASH_AT: `${point}:${nth}` })
        await hall.ask(channel, 1)
        await hall.field.settled(1, 400_000)
        await sleep(500)
        crashes += server.crashes
        problems.push(...(await hall.audit()).map((problem) => `${channel} ${point}:${nth}: ${problem}`))
      })
    }
    return { number: `${crashes} crashes in ${queue.length} runs`, problems }
  },
}

const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')

interface Delivery {
  readonly path: string
  readonly body: string
  readonly headers: () => Record<string, string>
}

/** The same delivery again and again. @returns the statuses */
async function flood(base: string, { path, body, headers }: Delivery): Promise<number[]> {
  const post = () =>
    fetch(base + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers() } })
  return (await Promise.all(Array.from({ length: 100 }, post))).map(({ status }) => status)
}

/** A mention, as the twins that Slack makes of it. */
function fromSlack({ slack: { server, alice, channel } }: Hall, round: number): Delivery[] {
  const { world } = server
  const text = `<@${world.bot.id}> fix the total in acme/price-service`
  const event = { user: alice.id, text, ts: world.ts(), team: world.team.id, channel }
  return ['app_mention', 'message'].map((type) => {
    const body = JSON.stringify({
      type: 'event_callback',
      team_id: world.team.id,
      event_id: `Ev${round}${type}`,
      authorizations: [{ user_id: world.bot.id, is_bot: true }],
      event: { ...event, type },
    })
    const headers = () => {
      const at = String(Math.floor(Date.now() / 1000))
      return {
        'x-slack-request-timestamp': at,
        'x-slack-retry-num': '1',
        'x-slack-signature': `v0=${hmac(world.signingSecret, `v0:${at}:${body}`)}`,
      }
    }
    return { path: '/slack/events', body, headers }
  })
}

async function fromJira({ jira: { server, alice } }: Hall, round: number): Promise<Delivery> {
  const ticket = await server.people.create(alice, `Total ${round}`, '')
  const self = `${server.url}/rest/api/2/issue/${ticket.id}`
  const body = JSON.stringify({
    timestamp: Date.now(),
    webhookEvent: 'comment_created',
    comment: {
      self: `${self}/comment/${900 + round}`,
      id: String(900 + round),
      body: `[~accountid:${server.world.bot.accountId}] build`,
      author: { accountId: alice.accountId, displayName: 'Alice' },
    },
    issue: { id: ticket.id, key: ticket.key, self },
  })
  const headers = () => ({
    'x-hub-signature': `sha256=${hmac(server.world.secret, body)}`,
    'x-atlassian-webhook-identifier': `w${round}`,
  })
  return { path: '/jira/webhooks', body, headers }
}

async function fromClickup({ clickup: { server, alice } }: Hall, round: number): Promise<Delivery> {
  const task = await server.people.create(alice, `Total ${round}`, '')
  const user = { id: alice.id }
  const comment = { id: `c${round}`, text_content: '@muster build', comment: [{ text: '@muster build' }], user }
  const body = JSON.stringify({
    event: 'taskCommentPosted',
    task_id: task.id,
    webhook_id: 'hook-1',
    history_items: [{ id: `h${round}`, date: String(Date.now()), user, comment }],
  })
  return { path: '/clickup/webhooks', body, headers: () => ({ 'x-signature': hmac(server.world.secret, body) }) }
}

const r7: Fault = {
  id: 'R7.1',
  title:
    'the same delivery ×100 in parallel on each channel; Slack retries; app_mention + message twins; Jira and ClickUp again',
  wanted: 'one task of 100 in each',
  run: (context) =>
    inHall(context, async (hall) => {
      const server = await hall.spawn()
      const base = `http://127.0.0.1:${server.port}/api`
      const statuses: number[] = []
      const rounds = context.pick(1, 10)
      for (let round = 1; round <= rounds; round++)
        for (const one of [...fromSlack(hall, round), await fromJira(hall, round), await fromClickup(hall, round)])
          statuses.push(...(await flood(base, one)))
      await sleep(3000)
      // ClickUp takes 100 calls a minute, for which all of it waits.
      const until = Date.now() + context.pick(400_000, 300_000)
      while ((await hall.field.count('inbound_event WHERE decided_at IS NULL')) > 0 && Date.now() < until)
        await sleep(200)
      const tasks = await hall.field.count('task')
      const refused = statuses.filter((status) => status !== 200 && status !== 202).length
      return {
        number: `${tasks} tasks of ${statuses.length} webhooks`,
        problems: [
          ...(tasks === rounds * 3 ? [] : [`${tasks} tasks instead of ${rounds * 3}`]),
          ...(refused > 0 ? [`${refused} refused`] : []),
        ],
      }
    }),
}

const r12: Fault = {
  id: 'R12.1',
  title: 'Slack, Jira and ClickUp commit, then the socket resets or 502; what is new is hidden from lists for 3 s',
  wanted: '0 written twice in 1,000',
  run: (context) =>
    inHall(context, async (hall) => {
      for (const { server } of [hall.slack, hall.jira, hall.clickup]) server.world.hiddenMs = 3000
      let faults = 0
      const wanted = context.pick(30, 1000)
      const dice = () => {
        if (faults >= wanted || context.random() > context.pick(0.3, 0.5)) return undefined
        faults++
        return context.random() > 0.5 ? ('reset' as const) : ('502' as const)
      }
      hall.slack.server.fault = (method) =>
        method === 'chat.postMessage' || method === 'chat.update' ? dice() : undefined
      hall.jira.server.fault = (method) => (method === 'GET' ? undefined : dice())
      hall.clickup.server.fault = (method) => (method === 'GET' ? undefined : dice())
      await hall.spawn()
      let nth = 0
      while (faults < wanted) {
        // Slack and ClickUp take only so much a minute, and Muster ten requests of one person.
        const channel: ChannelName = nth % 6 === 0 ? 'slack' : nth % 6 === 3 ? 'clickup' : 'jira'
        await hall.ask(channel, ++nth)
        await sleep(context.pick(700, 6200))
      }
      await hall.field.settled(hall.asked.length, 300_000)
      await sleep(1000)
      return { number: `${faults} lost answers, ${nth} conversations`, problems: await hall.audit() }
    }),
}

const r14: Fault = {
  id: 'R14.1',
  title: 'a 200 KB reply to Slack, Jira and ClickUp, SIGKILL in the middle of it',
  wanted: 'in parts within the limit, in order, none twice; 0 rejected',
  run: (context) =>
    inHall(context, async (hall) => {
      const problems: string[] = []
      let kills = 0
      const server = await hall.spawn()
      const long = Array.from({ length: 4000 }, (_, line) => `Line ${line} ${'x'.repeat(40)}`).join('\n')
      const places = await placesOf(hall)
      for (const { surface, texts } of places) {
        const { store, close } = await openStorage({ databaseUrl: hall.field.options.databaseUrl, dataDir: '' })
        const place = { repository: origin.repository, number: 0 }
        const body = {
          kind: 'message',
          place,
          surface,
          document: [{ kind: 'code', text: long, lang: '' }],
          buttons: [],
        } as const
        await store.effects.add('long', `long ${surface.channel}`, undefined, [
          { key: `long ${surface.channel}`, body },
        ])
        await close()
        const until = Date.now() + 120_000
        let killed = false
        while (linesIn(texts()).length < 4000 && Date.now() < until) {
          if (!killed && texts().length >= 2) {
            killed = true
            kills++
            server.signal('SIGKILL')
          }
          await sleep(20)
        }
        await sleep(1500)
        const lines = linesIn(texts())
        if (lines.length !== 4000 || !lines.every((nth, index) => nth === index))
          problems.push(`${surface.channel}: ${lines.length} lines in ${texts().length} parts`)
      }
      const { rows } = await hall.field.db.query<{ error: string }>("SELECT error FROM effect WHERE status = 'failed'")
      problems.push(...rows.map(({ error }) => `failed: ${error}`))
      if (kills !== places.length) problems.push(`killed ${kills} times`)
      return { number: `${places.length} replies of ${Math.round(long.length / 1000)} KB, ${kills} kills`, problems }
    }),
}

const linesIn = (texts: readonly string[]) =>
  texts.flatMap((text) => [...text.matchAll(/Line (\d+) x/g)].map(([, nth]) => Number(nth)))

/** A thread and two tickets, and what Muster wrote there. */
async function placesOf({
  slack,
  jira,
  clickup,
}: Hall): Promise<readonly { surface: Surface; texts: () => string[] }[]> {
  const { ts } = await slack.server.people.say(slack.alice, slack.channel, 'Long stories, please.')
  const ticket = await jira.server.people.create(jira.alice, 'Long stories', '')
  const task = await clickup.server.people.create(clickup.alice, 'Long stories', '')
  const slackWorld = slack.server.world
  return [
    {
      surface: { channel: 'slack', team: slackWorld.team.id, room: slack.channel, thread: ts },
      texts: () =>
        slackWorld
          .thread(slack.channel, ts)
          .filter(({ byApp }) => byApp)
          .map(({ blocks }) => JSON.stringify(blocks)),
    },
    {
      surface: { channel: 'jira', site: new URL(jira.server.url).host, ticket: ticket.id, name: ticket.key },
      texts: () => ticket.comments.map(({ body }) => JSON.stringify(body)),
    },
    {
      surface: { channel: 'clickup', team: clickup.server.world.team.id, ticket: task.id },
      texts: () => task.comments.map(({ text }) => text),
    },
  ]
}

const r25: Fault = {
  id: 'R25',
  title: "ClickUp suspends Muster's webhook, and says nothing any more",
  wanted: 'noticed and undone within 5 minutes; what was missed is heard',
  run: (context) =>
    inHall(context, async (hall) => {
      await hall.spawn()
      const { hooks } = hall.clickup.server.world
      for (const hook of hooks) hook.status = 'suspended'
      await hall.ask('clickup', 1)
      const started = Date.now()
      while (hooks.some(({ status }) => status === 'suspended') && Date.now() - started < 300_000) await sleep(250)
      const seconds = Math.round((Date.now() - started) / 1000)
      await hall.field.settled(1, 400_000)
      await sleep(500)
      return {
        number: `undone after ${seconds} s`,
        problems: [...(seconds < 300 ? [] : ['still suspended after 5 minutes']), ...(await hall.audit())],
      }
    }),
}

export const OTHERS: readonly Fault[] = [r1, r7, r12, WINDOWED, r14, r25]
