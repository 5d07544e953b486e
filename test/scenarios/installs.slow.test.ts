import { afterEach, expect, it, vi } from 'vitest'
import { startClickup } from '../../rehearsal/clickup/server.ts'
import { ClickupWorld } from '../../rehearsal/clickup/world.ts'
import { adfHtml } from '../../rehearsal/jira/adf.ts'
import { startJira } from '../../rehearsal/jira/server.ts'
import { JiraWorld } from '../../rehearsal/jira/world.ts'
import { startSlack } from '../../rehearsal/slack/server.ts'
import { SlackWorld } from '../../rehearsal/slack/world.ts'
import { linkPerson } from '../support/people.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 480_000 })

const KEY = 'a-key-of-the-operator-for-tests-0123456789'
let scene: Scene | undefined
let close: (() => Promise<unknown>) | undefined
afterEach(async () => {
  await scene?.stop()
  await close?.()
  scene = undefined
})

/** A server whose apps people install; no token of any workspace is in its settings. */
async function start() {
  const [slack, jira, clickup] = [
    await startSlack(new SlackWorld()),
    await startJira(new JiraWorld()),
    await startClickup(new ClickupWorld()),
  ]
  close = () => Promise.all([slack.close(), jira.close(), clickup.close()])
  scene = await startScene({
    env: {
      MUSTER_SECRET_KEY: KEY,
      SLACK_CLIENT_ID: slack.world.consent.clientId,
      SLACK_CLIENT_SECRET: slack.world.consent.clientSecret,
      SLACK_SIGNING_SECRET: slack.world.signingSecret,
      SLACK_API_URL: `${slack.url}/api`,
      SLACK_AUTHORIZE_URL: `${slack.url}/oauth/v2/authorize`,
      JIRA_CLIENT_ID: jira.world.consent.clientId,
      JIRA_CLIENT_SECRET: jira.world.consent.clientSecret,
      JIRA_AUTH_URL: jira.url,
      JIRA_GATEWAY_URL: jira.url,
      JIRA_PROJECTS: 'SHOP=acme/price-service',
      CLICKUP_CLIENT_ID: clickup.world.consent.clientId,
      CLICKUP_CLIENT_SECRET: clickup.world.consent.clientSecret,
      CLICKUP_API_URL: `${clickup.url}/api/v2`,
      CLICKUP_AUTHORIZE_URL: `${clickup.url}/oauth`,
      CLICKUP_LISTS: `${clickup.world.list.id}=acme/price-service`,
    },
  })
  const one = scene
  slack.world.eventsUrl = `${one.url}/api/slack/events`
  const invite = async (channel: string) => {
    const answer = await fetch(`${one.url}/api/v1/installs/${channel}`, { method: 'POST' })
    return ((await answer.json()) as { url: string }).url
  }
  /** What somebody does with an invitation: reads the page, goes on, consents, comes back. */
  const install = async (invitation: string) => {
    expect(await (await fetch(invitation)).text()).toContain('Install Muster into')
    const begun = await fetch(`${invitation}/go`, { method: 'POST', redirect: 'manual' })
    const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? ''
    const consented = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' })
    const back = consented.headers.get('location') ?? ''
    return { back, cookie, finish: async (with_: string) => fetch(back, { headers: { cookie: with_ } }) }
  }
  const installs = async () =>
    ((await (await fetch(`${one.url}/api/v1/installs`)).json()) as { items: { channel: string; account: string }[] })
      .items
  return { one, slack, jira, clickup, invite, install, installs }
}

it('is installed into Slack, Jira and ClickUp by consent: each speaks with tokens of its own, and webhooks come by themselves', async () => {
  const { one, slack, jira, clickup, invite, install, installs } = await start()
  for (const channel of ['slack', 'jira', 'clickup']) {
    const { cookie, finish } = await install(await invite(channel))
    expect(await (await finish(cookie)).text()).toContain('Installed')
  }
  const site = new URL(jira.url).host
  expect((await installs()).map(({ channel, account }) => `${channel} ${account}`)).toEqual([
    `clickup ${clickup.world.team.id}`,
    `jira ${site}`,
    `slack ${slack.world.team.id}`,
  ])
  const [alice, room] = [slack.world.addUser('alice'), slack.world.addChannel('shop')]
  await linkPerson(one, 'slack', slack.world.team.id, alice.id, 'alice')
  const inJira = jira.world.addUser('alice')
  await linkPerson(one, 'jira', site, inJira.accountId, 'alice')
  const inClickup = clickup.world.addUser('alice')
  await linkPerson(one, 'clickup', clickup.world.team.id, String(inClickup.id), 'alice')
  await slack.people.say(alice, room, '@muster help')
  await soon(() => slack.world.whispers.length).toBe(1)
  const ticket = await jira.people.create(inJira, 'Large orders get the wrong tier', '')
  await jira.people.comment(inJira, ticket, '@muster ask what does it cost?')
  await soon(() => ticket.comments.map(({ body }) => adfHtml(body)).join()).toContain('acme/price-service')
  const task = await clickup.people.create(inClickup, 'Large orders get the wrong tier', '')
  await clickup.people.tag(inClickup, task, 'muster')
  await soon(() => task.comments.map(({ text }) => text).join()).toContain('Muster: ')
})

it('an invitation is good once, only where it was begun, and only as it was made; what is removed is forgotten', async () => {
  const { one, slack, invite, install, installs } = await start()
  const invitation = await invite('slack')
  expect((await fetch(`${invitation.slice(0, -2)}xx`)).status).toBe(404)
  expect((await fetch(invitation.replace('/slack.', '/jira.'))).status).toBe(404)
  const { back, cookie, finish } = await install(invitation)
  expect((await fetch(back)).status).toBe(400)
  expect((await finish(`muster_install=${'A'.repeat(43)}`)).status).toBe(400)
  expect(await installs()).toEqual([])
  expect((await finish(cookie)).status).toBe(200)
  expect((await finish(cookie)).status).toBe(404)
  const again = await install(invitation)
  expect((await again.finish(again.cookie)).status).toBe(404)
  expect(slack.world.consent.tokens.size).toBe(1)
  const gone = await fetch(`${one.url}/api/v1/installs/slack/${slack.world.team.id}`, { method: 'DELETE' })
  expect(gone.status).toBe(200)
  expect(await installs()).toEqual([])
  await soon(() => slack.world.consent.tokens.size).toBe(0)
  const [alice, room] = [slack.world.addUser('alice'), slack.world.addChannel('shop')]
  await slack.people.say(alice, room, '@muster help')
  await soon(async () =>
    (await one.events('&source=slack')).some(({ decision }) => decision?.reason === 'not_connected'),
  ).toBe(true)
})

it('tokens that run out are renewed once, by whoever is first; removing the app in Slack forgets them', async () => {
  const { one, slack, invite, install, installs } = await start()
  // Due at once, and for every use.
  slack.world.consent.expiresIn = 60
  const { cookie, finish } = await install(await invite('slack'))
  expect((await finish(cookie)).status).toBe(200)
  const [alice, room] = [slack.world.addUser('alice'), slack.world.addChannel('shop')]
  const first = [...slack.world.consent.tokens]
  await Promise.all(Array.from({ length: 5 }, () => slack.people.say(alice, room, '@muster help')))
  await soon(() => slack.world.whispers.length).toBe(5)
  expect([...slack.world.consent.tokens]).not.toEqual(first)
  expect(slack.world.consent.reused).toBe(0)
  // Told late: it was installed again meanwhile.
  await slack.people.event({ type: 'app_uninstalled' })
  await soon(async () =>
    (await one.events('&source=slack')).some(({ decision }) => decision?.reason === 'uninstalled'),
  ).toBe(true)
  expect(await installs()).toHaveLength(1)
  slack.world.consent.revoke()
  await slack.people.event({ type: 'tokens_revoked', tokens: { oauth: ['U1'], bot: [] } })
  await slack.people.event({ type: 'tokens_revoked', tokens: { oauth: [], bot: ['U2'] } })
  await soon(installs).toEqual([])
  expect((await one.events('&source=slack')).some(({ decision }) => decision?.reason === 'uninstalled')).toBe(true)
})
