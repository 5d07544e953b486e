import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slackCatchUp } from '../../src/channels/slack/catchup.ts'
import { slackClient } from '../../src/channels/slack/client.ts'
import { slackFacts } from '../../src/channels/slack/facts.ts'
import { typeIn } from '../../src/channels/slack/receive.ts'
import { slackSender } from '../../src/channels/slack/send.ts'
import type { SendContext } from '../../src/channels/types.ts'
import type { SurfaceBody } from '../../src/core/effects.ts'
import type { Arrival } from '../../src/core/inbound.ts'
import type { Document } from '../../src/core/reply/document.ts'
import { type RehearsalSlack, startSlack } from '../../rehearsal/slack/server.ts'
import { SlackWorld } from '../../rehearsal/slack/world.ts'
import { opened, origin } from '../support/tasks.ts'

let slack: RehearsalSlack
let world: SlackWorld
let channel = ''
beforeAll(async () => {
  world = new SlackWorld()
  slack = await startSlack(world)
})
afterAll(() => slack.close())
beforeEach(() => {
  slack.fault = () => undefined
  world.messages.length = 0
})

const MARKER = 'muster:e1:0123456789abcdef0123456789abcdef'
const client = () => slackClient({ botToken: world.botToken, apiUrl: `${slack.url}/api` })
const sender = () =>
  slackSender({
    client: client(),
    reading: { redact: (text) => text.replaceAll('hunter2', '[secret]') },
    pause: async () => {},
  })
const context = (extra: Partial<SendContext> = {}): SendContext => ({
  marker: MARKER,
  task: undefined,
  previous: undefined,
  now: 0,
  since: 0,
  mayLeave: () => {},
  ...extra,
})

let channels = 0
async function thread() {
  // Slack's limits are those of a channel.
  channel = world.addChannel(`shop${++channels}`)
  const ann = world.users.find((one) => one.name === 'ann') ?? world.addUser('ann')
  const root = await slack.people.say(ann, channel, 'hello')
  const surface = { channel: 'slack', team: world.team.id, room: channel, thread: root.ts } as const
  const place = { repository: origin.repository, number: 5 }
  const message = (document: Document, buttons: Extract<SurfaceBody, { kind: 'message' }>['buttons'] = []) =>
    ({ kind: 'message', place, surface, document, buttons }) as const
  return { ann, root, surface, place, message }
}

describe('messages in Slack', () => {
  it('are found again by their marker, and only our own', async () => {
    const { ann, surface, message } = await thread()
    const body = message([{ kind: 'paragraph', text: 'Say hunter2 to <!channel>.' }])
    expect(await sender().lookUp(body, context())).toBeUndefined()
    const forged = await slack.people.say(ann, channel, 'fake', surface.thread)
    Object.assign(forged, { metadata: { event_type: 'muster_effect', event_payload: { marker: MARKER } } })
    expect(await sender().lookUp(body, context())).toBeUndefined()
    const sent = await sender().send(body, context())
    expect(await sender().lookUp(body, context())).toEqual(sent)
    const [posted] = world.messages.filter((one) => one.byApp)
    expect(JSON.stringify(posted?.blocks)).toContain('[secret]')
    // The line for notifications is read as markup by Slack: nothing in it may mean something.
    expect(posted?.text).not.toMatch(/<!|hunter2/)
  })

  it('come with their picture as one, once, in what Slack is known to take beside a file', async () => {
    const { surface, place } = await thread()
    const document: Document = [
      { kind: 'heading', text: 'staging: healthy' },
      { kind: 'table', head: ['', 'Before', 'After'], rows: [['Errors', '0', '1']] },
    ]
    const series = [{ second: 0, requests: 3, errors: 1 }]
    const body = { kind: 'chart', place, surface, title: 'staging: the watch', document, series } as const
    const sent = await sender().send(body, context())
    expect(await sender().send(body, context())).toEqual(sent)
    const [only, ...more] = world.thread(channel, surface.thread).filter(({ byApp }) => byApp)
    expect(more).toEqual([])
    expect(only?.files.map(({ title }) => title)).toEqual(['staging: the watch'])
    expect(JSON.stringify(only?.blocks)).toContain('staging: healthy')
    expect(only?.blocks.map((block) => Reflect.get(Object(block), 'type') as unknown)).toEqual(['rich_text'])
  })

  it('come without their picture where Slack takes no file, and once', async () => {
    const { surface, place } = await thread()
    const document: Document = [{ kind: 'paragraph', text: 'It is healthy.' }]
    const series = [{ second: 0, requests: 3, errors: 1 }]
    const body = { kind: 'chart', place, surface, title: 'the watch', document, series } as const
    slack.fault = (method) => (method === 'files.getUploadURLExternal' ? 'refused missing_scope' : undefined)
    await sender().send(body, context())
    await sender().send(body, context())
    const mine = world.thread(channel, surface.thread).filter(({ byApp }) => byApp)
    expect(mine.map(({ blocks }) => JSON.stringify(blocks))).toEqual([expect.stringContaining('It is healthy.')])
  })

  it('that are too long become several, in order, each once, whatever was there from a try that was cut off', async () => {
    const { surface, message } = await thread()
    const text = Array.from({ length: 400 }, (_, n) => `Line ${n} ${'x'.repeat(60)}`).join('\n\n')
    const body = message(
      [{ kind: 'paragraph', text }],
      [{ label: 'Approve', action: 'approve', value: 'a'.repeat(64), style: 'primary' }],
    )
    let posts = 0
    slack.fault = (method) => (method === 'chat.postMessage' && ++posts === 3 ? 'reset' : undefined)
    await expect(sender().send(body, context())).rejects.toMatchObject({ kind: 'unknown' })
    slack.fault = () => undefined
    expect(await sender().lookUp(body, context())).toBeUndefined()
    await sender().send(body, context())
    const mine = world.thread(channel, surface.thread).filter((one) => one.byApp)
    expect(mine.length).toBeGreaterThan(3)
    const shown = mine.map((one) => JSON.stringify(one.blocks))
    for (const [index, one] of shown.entries()) expect(one).toContain(`${index + 1}/${mine.length}`)
    const lines = shown.flatMap((one) => [...one.matchAll(/Line (\d+) /g)].map(([, n]) => Number(n)))
    expect(lines).toEqual(Array.from({ length: 400 }, (_, n) => n))
    expect(shown.map((one) => one.includes('muster:approve'))).toEqual(
      shown.map((_, index) => index === mine.length - 1),
    )
    expect(
      world.calls.filter((call) => call.error === 'msg_blocks_too_long' || call.error === 'invalid_blocks'),
    ).toEqual([])
  })

  it('the status card is one message that is edited, and not posted again when somebody deleted it', async () => {
    const { surface, place } = await thread()
    const { task } = opened({ origin: { ...origin, surface } })
    const body = { kind: 'card.upsert', place, surface } as const
    const first = await sender().send(body, context({ task, now: 2000 }))
    const again = await sender().send(body, context({ task, now: 9000, previous: first }))
    expect(again).toEqual(first)
    expect(world.messages.filter((one) => one.byApp).map(({ edits }) => edits)).toEqual([1])
    world.messages.splice(0, world.messages.length)
    expect(await sender().send(body, context({ task, previous: first }))).toEqual(first)
    expect(world.messages).toEqual([])
  })

  it('wait as long as Slack asks, and end clearly when the thread or the token is gone', async () => {
    const { surface, message } = await thread()
    const body = message([{ kind: 'paragraph', text: 'x' }])
    slack.fault = () => 'limit'
    await expect(sender().send(body, context())).rejects.toMatchObject({ kind: 'retry', retryAfterMs: 1000 })
    slack.fault = () => '502'
    await expect(sender().send(body, context())).rejects.toMatchObject({ kind: 'unknown' })
    slack.fault = () => undefined
    await expect(sender().send({ ...body, surface: { ...surface, room: 'C0GONE' } }, context())).rejects.toMatchObject({
      kind: 'fatal',
      name: 'SendError',
    })
    const revoked = slackSender({
      client: slackClient({ botToken: 'xoxb-old', apiUrl: `${slack.url}/api` }),
      reading: { redact: (text) => text },
      pause: async () => {},
    })
    await expect(revoked.send(body, context())).rejects.toMatchObject({
      kind: 'fatal',
      message: expect.stringContaining('SLACK_BOT_TOKEN'),
    })
  })
})

describe('answers to commands where Muster is not', () => {
  async function command(respond: string) {
    const { ann, surface, place } = await thread()
    world.foreign.add(channel)
    world.whispers.length = 0
    const aside = { ...surface, thread: `command:${ann.id}:1`, respond }
    return (document: Document) => ({ kind: 'message', place, surface: aside, document, buttons: [] }) as const
  }
  const words = (world: SlackWorld) => world.whispers.map(({ blocks }) => JSON.stringify(blocks)).join('\n')

  it('come at the address that the command brought, whole, and without secrets', async () => {
    const say = await command('')
    const respond = world.responder(world.users[0]?.id ?? '', channel)
    const long = Array.from({ length: 400 }, (_, line) => `Line ${line}: ${'x'.repeat(60)}, hunter2`).join('\n')
    const body = say([{ kind: 'code', lang: '', text: long }])
    await sender().send({ ...body, surface: { ...body.surface, respond } }, context())
    expect(world.whispers.length).toBeGreaterThan(1)
    expect(words(world)).toContain(`1/${world.whispers.length}`)
    expect(words(world)).toContain('Line 399')
    expect(words(world)).not.toContain('hunter2')
  })

  it('go to Slack and nowhere else, and end clearly when the address is used up', async () => {
    const heard: string[] = []
    const stranger = createServer((request, response) => {
      heard.push(request.url ?? '')
      response.end('ok')
    })
    await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done))
    const { port } = stranger.address() as AddressInfo
    const document: Document = [{ kind: 'paragraph', text: 'x' }]
    for (const respond of [
      `http://127.0.0.1:${port}/`,
      'https://hooks.slack.com.evil.example/commands/1',
      'file:///x',
      '',
    ]) {
      const say = await command(respond)
      await expect(sender().send(say(document), context())).rejects.toMatchObject({ kind: 'fatal', trouble: 'gone' })
    }
    stranger.close()
    expect(heard).toEqual([])
    const say = await command(`${slack.url}/commands/used`)
    await expect(sender().send(say(document), context())).rejects.toMatchObject({ kind: 'fatal' })
    expect(world.whispers).toEqual([])
  })
})

it('what was said while nobody listened is found, once, in the form in which it would have come', async () => {
  const { ann, surface } = await thread()
  const since = Date.now() - 1000
  const reply = await slack.people.say(ann, channel, 'because of the tiers', surface.thread)
  const mention = await slack.people.say(ann, channel, '@muster fix it acme/web')
  await slack.people.say(ann, channel, 'nothing for Muster')
  const kept = new Map<string, Arrival>()
  const store = {
    isKnown: async () => false,
    has: async () => false,
    insert: async (arrival: Arrival) => {
      const duplicate = kept.has(arrival.deliveryId)
      kept.set(arrival.deliveryId, arrival)
      return { id: arrival.deliveryId, duplicate }
    },
  }
  const catchUp = slackCatchUp(client(), async () => [surface], store)
  const ids = [reply.ts, mention.ts].map((ts) => `${world.team.id}:${channel}:${ts}`)
  expect((await catchUp.run(since, Date.now())).found.filter((id) => !id.endsWith(surface.thread))).toEqual(ids)
  expect((await catchUp.run(since, Date.now())).found).toEqual([])
  expect(kept.get(ids[0] ?? '')?.lane).toBe(`slack:${world.team.id}/${channel}/${surface.thread}`)
})

it('guests, people from elsewhere and bots are no full members', async () => {
  const facts = slackFacts(client(), (text) => text)
  const member = (user: { id: string }, account = world.team.id) =>
    facts.isFullMember({ channel: 'slack', account, id: user.id, name: '', isBot: false, isStranger: false })
  expect(await member(world.addUser('eve'))).toBe(true)
  expect(await member(world.addUser('guest', { isGuest: true }))).toBe(false)
  expect(await member(world.addUser('other', { homeTeam: 'T0OTHER' }))).toBe(false)
  expect(await member(world.addUser('fake', { homeTeam: 'T0OTHER' }), 'T0OTHER')).toBe(false)
})

it.each([[{ type: { toString: '' } }], [{ type: ['a'] }], [{}], [null], ['message']])(
  'a call that does not say in words what it is has no name: %j',
  (payload) => expect(typeIn(payload)).toBe('unknown'),
)
