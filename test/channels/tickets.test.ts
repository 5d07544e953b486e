import { afterEach, describe, expect, it } from 'vitest'
import { clickupCatchUp } from '../../src/channels/clickup/catchup.ts'
import { clickupClient } from '../../src/channels/clickup/client.ts'
import { clickupSender } from '../../src/channels/clickup/send.ts'
import { tendWebhooks } from '../../src/channels/clickup/webhooks.ts'
import { jiraClient } from '../../src/channels/jira/client.ts'
import { jiraChannel } from '../../src/channels/jira/channel.ts'
import { openInstalledJira } from '../../src/channels/jira/open.ts'
import { type CatchUpStore, type SendContext, SendError, type Sender } from '../../src/channels/types.ts'
import type { SurfaceBody } from '../../src/core/effects.ts'
import type { Arrival } from '../../src/core/inbound.ts'
import type { Surface } from '../../src/core/said.ts'
import { adfHtml } from '../../rehearsal/jira/adf.ts'
import { checks, clickupStage, jiraStage } from '../support/channels.ts'
import { origin } from '../support/tasks.ts'

const place = { repository: origin.repository, number: 0 }
const context = (marker: string): SendContext => ({
  marker,
  task: undefined,
  previous: undefined,
  now: Date.now(),
  since: Date.now(),
  mayLeave: () => {},
})
const message = (surface: Surface, text: string): SurfaceBody => ({
  kind: 'message',
  place,
  surface,
  document: [{ kind: 'paragraph', text }],
  buttons: [],
})

/** An inbox in memory. */
function inbox() {
  const arrivals = new Map<string, Arrival>()
  const store: CatchUpStore = {
    isKnown: async (id) => arrivals.has(id),
    has: async (lane, text) =>
      [...arrivals.values()].some((one) => one.lane === lane && Buffer.from(one.body).toString().includes(text)),
    async insert(arrival) {
      const duplicate = arrivals.has(arrival.deliveryId)
      if (!duplicate) arrivals.set(arrival.deliveryId, arrival)
      return { id: arrival.deliveryId, duplicate }
    },
  }
  return { store, arrivals }
}

/** What was sent although its answer never came is found, and so not sent again. */
async function isFoundAgain(sender: Sender, body: SurfaceBody, break_: (on: boolean) => void) {
  break_(true)
  await expect(sender.send(body, context('muster:e1:0123456789abcdef0123456789abcdef'))).rejects.toMatchObject({
    kind: 'unknown',
  })
  break_(false)
  expect(await sender.lookUp(body, context('muster:e1:0123456789abcdef0123456789abcdef'))).toMatchObject({
    ref: expect.stringMatching(/^\d+$/) as string,
  })
  expect(await sender.lookUp(body, context('muster:e2:0123456789abcdef0123456789abcdef'))).toBeUndefined()
}

let close: (() => Promise<void>) | undefined
afterEach(async () => {
  await close?.()
  expect([...(checks.jira?.violations ?? []), ...(checks.clickup?.violations ?? [])]).toEqual([])
})

describe('Jira', () => {
  async function open() {
    const stage = await jiraStage(checks.jira)
    close = () => stage.server.close()
    const { world, url } = stage.server
    const client = jiraClient({ host: url, email: world.bot.emailAddress, apiToken: world.token })
    const channel = jiraChannel({
      client,
      host: url,
      trustEmail: true,
      reading: { redact: (text) => text.replaceAll('s3cret', '•••') },
    })
    const ticket = await stage.server.people.create(stage.alice, 'Totals', 'Wrong.')
    const surface = { channel: 'jira', site: new URL(url).host, ticket: ticket.id, name: ticket.key } as const
    return { ...stage, channel, ticket, surface, world, people: stage.server.people }
  }

  it('writes a comment that is found again after a lost answer, and no secret', async () => {
    const { server, channel, ticket, surface } = await open()
    await isFoundAgain(channel.sender, message(surface, 'It is s3cret, @everybody {code}x{code}'), (on) => {
      server.fault = (method) => (on && method === 'POST' ? 'reset' : undefined)
    })
    expect(ticket.comments).toHaveLength(1)
    expect(adfHtml(ticket.comments[0]?.body)).toContain('It is •••, @\u200beverybody {code}x{code}')
  })

  it('says what is the matter: gone, not accepted, asked to wait', async () => {
    const { server, channel, surface } = await open()
    const send = (body: SurfaceBody) => channel.sender.send(body, context('muster:e3:0123456789abcdef0123456789abcdef'))
    await expect(send(message({ ...surface, ticket: '999' }, 'x'))).rejects.toMatchObject({
      kind: 'fatal',
      trouble: 'gone',
    })
    server.fault = () => '401'
    await expect(send(message(surface, 'x'))).rejects.toMatchObject({ kind: 'fatal', trouble: 'token' })
    server.fault = () => 'limit'
    await expect(send(message(surface, 'x'))).rejects.toMatchObject({ kind: 'retry', retryAfterMs: 1000 })
  })

  it('finds what was missed, under the ids it would have had, and says nothing of its own', async () => {
    const { channel, people, world, alice, ticket } = await open()
    const { store, arrivals } = inbox()
    const since = Date.now() - 5000
    await people.comment(alice, ticket, '@muster build')
    await people.assign(alice, ticket, world.bot)
    await channel.sender.send(
      message({ channel: 'jira', site: 'x', ticket: ticket.id, name: ticket.key }, 'mine'),
      context('muster:e4:0123456789abcdef0123456789abcdef'),
    )
    const edited = await people.comment(alice, ticket, '@muster approve')
    edited.updated = new Date(edited.created.getTime() + 60_000)
    await people.create(alice, 'Untouched', '@muster build')
    const catchUp = channel.catchUp(undefined, store)
    const { found } = await catchUp.run(since, Date.now())
    const kinds = await Promise.all([...arrivals.values()].map(async ({ body }) => channel.read(body)))
    // What was edited since may be somebody else's words; of a changed ticket only the changes are heard.
    expect(kinds.map((one) => ('what' in one ? one.what.type : one.ignored)).toSorted()).toEqual([
      'assigned',
      'text',
      'text',
    ])
    expect(found).toHaveLength(3)
    expect((await catchUp.run(since, Date.now())).found).toEqual([])
  })

  it('renews the webhooks of an installed app on the 25th day, and not before', async () => {
    const { server, world } = await open()
    world.consent.tokens.add('token')
    const expires = Date.now() + 5 * 24 * 3_600_000
    world.dynamic.push({ id: 7, url: 'https://muster.example', expires })
    const noted: number[] = []
    const app = {
      clientId: 'id',
      clientSecret: 's3cret-of-the-app',
      authUrl: server.url,
      gatewayUrl: server.url,
      repositories: new Map(),
      trustEmail: false,
    }
    const extra = { cloudId: world.cloudId, site: server.url, webhooks: '7', webhooksAt: '0' }
    const at = {
      account: 'site',
      tokens: { accessToken: 'token', extra },
      note: async (one: Readonly<Record<string, string>>) => void noted.push(Number(one['webhooksAt'])),
    }
    const channel = openInstalledJira(app, at, { redact: (text) => text })
    expect(await channel.tend?.(24 * 24 * 3_600_000)).toEqual([])
    expect(world.dynamic[0]?.expires).toBe(expires)
    const day25 = 25 * 24 * 3_600_000
    expect(await channel.tend?.(day25)).toEqual([{ text: expect.stringContaining('renewed'), isWrong: false }])
    expect(world.dynamic[0]?.expires).toBeGreaterThan(expires)
    expect(noted).toEqual([day25])
  })

  it('knows places by their addresses and names, members by their accounts, and addresses only where they are trusted', async () => {
    const { channel, server, ticket, alice, world } = await open()
    const customer = world.addUser('carla', 'customer')
    const { facts } = channel
    expect(await facts.surfaceAt(new URL(`${server.url}/browse/${ticket.key}`))).toMatchObject({ ticket: ticket.id })
    expect(await facts.surfaceAt(new URL(`${server.url}/browse/SHOP-99`))).toBeUndefined()
    expect(await facts.surfaceAt(new URL(`https://other.example/browse/${ticket.key}`))).toBeUndefined()
    expect(await facts.surfaceNamed(ticket.key)).toMatchObject({ name: ticket.key })
    expect(await facts.surfaceNamed('not a key')).toBeUndefined()
    const member = (id: string) =>
      ({ channel: 'jira', account: 'x', id, name: '', isBot: false, isStranger: false }) as const
    expect(await facts.isFullMember(member(alice.accountId))).toBe(true)
    expect(await facts.isFullMember(member(customer.accountId))).toBe(false)
    expect(await facts.emailOf(member(alice.accountId))).toBe('alice@acme.example')
  })

  it('knows everybody who changed what a ticket says, among all that was ever changed on it', async () => {
    const { channel, ticket, alice, world } = await open()
    const surface = await channel.facts.surfaceNamed(ticket.key)
    const editors = async () => (surface && (await channel.facts.editors?.(surface)))?.map(({ id }) => id)
    const change = (field: string) =>
      world.change(ticket, alice, [{ field, fieldtype: 'jira', fieldId: field, toString: 'x' }])
    for (let nth = 0; nth < 60; nth++) change('labels')
    expect(await editors()).toEqual([])
    change('description')
    expect(await editors()).toEqual([alice.accountId])
    // More than anybody reads: somebody unknown is among them.
    for (let nth = 0; nth < 1000; nth++) change('labels')
    expect(await editors()).toEqual([alice.accountId, ''])
  })
})

describe('ClickUp', () => {
  async function open() {
    const stage = await clickupStage(checks.clickup)
    close = () => stage.server.close()
    const { world, url } = stage.server
    const client = clickupClient({ apiToken: world.token, apiUrl: `${url}/api/v2` })
    const self = async () => String(world.bot.id)
    const sender = clickupSender({
      client,
      self,
      reading: { redact: (text) => text },
      publicUrl: 'https://muster.example',
      pullField: 'Pull request',
    })
    const ticket = await stage.server.people.create(stage.alice, 'Totals', 'Wrong.')
    const surface = { channel: 'clickup', team: world.team.id, ticket: ticket.id } as const
    return { ...stage, client, self, sender, ticket, surface, world, people: stage.server.people }
  }

  it('writes a comment that is found again after a lost answer, by the address of its signature', async () => {
    const { server, sender, ticket, surface } = await open()
    await isFoundAgain(sender, message(surface, 'Hello, @\u200bAlice.'), (on) => {
      server.fault = (method) => (on && method === 'POST' ? '502' : undefined)
    })
    expect(ticket.comments).toHaveLength(1)
    expect(ticket.comments[0]?.text).toContain('Hello, @\u200bAlice.')
    expect(ticket.comments[0]?.comment.some(({ type }) => type === 'tag')).toBe(false)
  })

  it('lets a suspended webhook deliver again, its own alone, and says when there is none', async () => {
    const { client, world } = await open()
    const tend = () => tendWebhooks(client, world.team.id, 'https://muster.example')
    expect(await tend()).toEqual([{ text: expect.stringContaining('no webhook'), isWrong: true }])
    world.hooks.push({
      id: 'h1',
      endpoint: 'https://muster.example/api/clickup/webhooks',
      events: ['*'],
      failCount: 100,
      status: 'suspended',
      secret: world.secret,
    })
    world.hooks.push({
      id: 'h2',
      endpoint: 'https://other.example/x',
      events: ['*'],
      failCount: 100,
      status: 'suspended',
      secret: world.secret,
    })
    expect(await tend()).toEqual([{ text: expect.stringContaining('h1'), isWrong: false }])
    expect(world.hooks.map(({ status }) => status)).toEqual(['active', 'suspended'])
    expect(await tend()).toEqual([])
  })

  it('finds comments that were missed, and asks about what was assigned by nobody knows whom', async () => {
    const { client, self, world, people, alice, ticket } = await open()
    const { store, arrivals } = inbox()
    const since = Date.now() - 5000
    await people.comment(alice, ticket, '@muster build')
    const other = await people.create(alice, 'Another', '')
    await people.assign(alice, other, world.bot)
    const catchUp = clickupCatchUp(client, world.team.id, self, store)
    expect((await catchUp.run(since, Date.now())).found).toHaveLength(2)
    const ids = [...arrivals.keys()]
    expect(ids.filter((id) => id.includes('comment:'))).toHaveLength(1)
    expect(ids.filter((id) => id.includes('catch-up'))).toHaveLength(1)
    expect((await catchUp.run(since, Date.now())).found).toEqual([])
  })

  it('says what is the matter: gone, not accepted, asked to wait', async () => {
    const { server, sender, surface } = await open()
    const send = (body: SurfaceBody) => sender.send(body, context('muster:e3:0123456789abcdef0123456789abcdef'))
    await expect(send(message({ ...surface, ticket: 'nope' }, 'x'))).rejects.toMatchObject({
      kind: 'fatal',
      trouble: 'gone',
    })
    server.fault = () => '401'
    await expect(send(message(surface, 'x'))).rejects.toMatchObject({ trouble: 'token' })
    server.fault = () => 'limit'
    await expect(send(message(surface, 'x'))).rejects.toBeInstanceOf(SendError)
  })
})
