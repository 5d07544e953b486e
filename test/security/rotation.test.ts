import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { receive as receiveGithub } from '../../src/channels/github/receive.ts'
import { createInstalls } from '../../src/installs/installs.ts'
import { either } from '../../src/channels/either.ts'
import { verifiersOf } from '../../src/channels/verifiers.ts'
import { readSettings } from '../../src/config/env.ts'
import { sealWith } from '../../src/installs/seal.ts'
import type { InstallRow } from '../../src/installs/types.ts'

/** Secrets can be changed without an hour in which events are lost: the one before still counts, for as long as it is set. */
const NEW = 'the-new-secret-of-all'
const OLD = 'the-old-secret-of-all'
const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')

it('webhooks signed with the secret before are believed while it is set, and no others', async () => {
  const env = {
    SLACK_BOT_TOKEN: 'xoxb-x',
    SLACK_SIGNING_SECRET: NEW,
    SLACK_SIGNING_SECRET_PREVIOUS: OLD,
    JIRA_HOST: 'https://acme.atlassian.net',
    JIRA_EMAIL: 'a@b.c',
    JIRA_API_TOKEN: 'x',
    JIRA_WEBHOOK_SECRET: NEW,
    JIRA_WEBHOOK_SECRET_PREVIOUS: OLD,
    CLICKUP_API_TOKEN: 'pk_1',
    CLICKUP_TEAM_ID: '9',
    CLICKUP_WEBHOOK_SECRET: NEW,
    CLICKUP_WEBHOOK_SECRET_PREVIOUS: OLD,
  }
  const at = String(Math.floor(Date.now() / 1000))
  const body = '{"type":"x","event":"y","webhookEvent":"z","task_id":"1","webhook_id":"w"}'
  const headers = (secret: string) => ({
    slack: { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${hmac(secret, `v0:${at}:${body}`)}` },
    jira: { 'x-hub-signature': `sha256=${hmac(secret, body)}` },
    clickup: { 'x-signature': hmac(secret, body) },
  })
  const settings = readSettings(env)
  for (const [previous, believed] of [
    [settings.previous, true],
    [{}, false],
  ] as const) {
    const verifiers = verifiersOf(settings.channels, previous, undefined)
    for (const name of ['slack', 'jira', 'clickup'] as const) {
      const ok = async (secret: string) =>
        (await verifiers[name]?.receive(headers(secret)[name], Buffer.from(body)))?.ok
      expect([name, await ok(NEW), await ok(OLD), await ok('another-secret')]).toEqual([name, true, believed, false])
    }
    const github = (secret: string) =>
      either([NEW, believed ? OLD : undefined], (one) =>
        receiveGithub(
          { 'x-hub-signature-256': `sha256=${hmac(secret, body)}`, 'x-github-event': 'ping', 'x-github-delivery': 'd' },
          Buffer.from(body),
          one,
        ),
      ).ok
    expect([github(NEW), github(OLD), github('another-secret')]).toEqual([true, believed, false])
  }
})

it('tokens that were sealed with the key before are sealed with the new one at the next start', async () => {
  const rows: InstallRow[] = [
    {
      channel: 'slack',
      account: 'T1',
      name: 'acme',
      version: 1,
      installedAt: new Date(),
      sealed: sealWith(OLD).close(JSON.stringify({ accessToken: 'xoxb-1', extra: {} }), 'slack:T1'),
    },
  ]
  const store = {
    list: async () => rows,
    get: async () => rows[0],
    save: async () => {},
    remove: async () => true,
    replace: async (_channel: string, _account: string, basedOn: number, sealed: string) => {
      const [row] = rows
      if (row) rows[0] = { ...row, sealed, version: basedOn + 1 }
      return true
    },
  }
  const installsWith = (seal: ReturnType<typeof sealWith>) =>
    createInstalls({
      store,
      seal,
      installers: {},
      hooksUrl: () => '',
      now: () => 0,
      sleep: async () => {},
      learn: () => {},
    })
  const tokens = (seal: ReturnType<typeof sealWith>) => installsWith(seal).kept('slack')
  await expect(tokens(sealWith(NEW))).rejects.toThrow('MUSTER_SECRET_KEY_PREVIOUS'.slice(0, 17))
  await installsWith(sealWith(NEW, OLD)).reseal()
  expect(await tokens(sealWith(NEW))).toMatchObject([{ account: 'T1', tokens: { accessToken: 'xoxb-1' } }])
  await expect(tokens(sealWith(OLD))).rejects.toThrow('cannot be opened')
})

it('a secret before without one of now is a mistake, and said', () => {
  for (const name of [
    'WEBHOOK_SECRET',
    'SLACK_SIGNING_SECRET',
    'JIRA_WEBHOOK_SECRET',
    'JIRA_CLIENT_SECRET',
    'CLICKUP_WEBHOOK_SECRET',
    'MUSTER_API_TOKEN',
    'MUSTER_SECRET_KEY',
    'TEAMS_WEBHOOK_SECRET',
  ])
    expect(() => readSettings({ [`${name}_PREVIOUS`]: OLD }), name).toThrow(`${name}_PREVIOUS`)
})
