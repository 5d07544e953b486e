import fc from 'fast-check'
import { expect, it } from 'vitest'
import { appStore } from '../../src/operate/app.ts'
import { isToken } from '../../src/channels/jira/token.ts'
import { createInstalls } from '../../src/installs/installs.ts'
import type { InstallRow, InstallStore } from '../../src/installs/types.ts'
import { sealWith } from '../../src/installs/seal.ts'
import { createHmac } from 'node:crypto'
import { readSettings } from '../../src/config/env.ts'

const seal = sealWith('the operator has a key of thirty-two characters')

it('what was sealed opens with the same key, for the same account, unchanged, and never otherwise', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, at) => {
      const sealed = seal.close(text, 'slack:T1')
      expect(seal.open(sealed, 'slack:T1')).toBe(text)
      expect(() => seal.open(sealed, 'slack:T2')).toThrow('MUSTER_SECRET_KEY')
      const bytes = Buffer.from(sealed, 'base64')
      const position = at % bytes.length
      bytes[position] = (bytes[position] ?? 0) ^ 1
      expect(() => seal.open(bytes.toString('base64'), 'slack:T1')).toThrow('MUSTER_SECRET_KEY')
    }),
    { numRuns: 50 },
  )
  expect(seal.close('x', 'a')).not.toBe(seal.close('x', 'a'))
  expect(() => sealWith('another key of thirty-two characters!').open(seal.close('x', 'a'), 'a')).toThrow()
})

it('believes a token of Jira only when the secret of the app signed it, it has not run out, and its method is ours', async () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = (header: object, claims: object, secret = 's3cret') => {
    const body = `${part(header)}.${part(claims)}`
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
  }
  const later = { iss: 'client', exp: Math.floor(Date.now() / 1000) + 60 }
  expect(await isToken(token({ alg: 'HS256' }, later), 's3cret')).toBe(true)
  expect(await isToken(token({ alg: 'HS256' }, later, 'other'), 's3cret')).toBe(false)
  expect(await isToken(token({ alg: 'none' }, later), 's3cret')).toBe(false)
  expect(await isToken(`${part({ alg: 'none' })}.${part(later)}.`, 's3cret')).toBe(false)
  expect(await isToken(token({ alg: 'HS256' }, { exp: 1 }), 's3cret')).toBe(false)
  expect(await isToken(token({ alg: 'HS256' }, {}), 's3cret')).toBe(false)
  // Neither another method, nor a part that nobody here knows.
  expect(await isToken(token({ alg: 'HS256', crit: ['b64'], b64: false }, later), 's3cret')).toBe(false)
  expect(await isToken('', 's3cret')).toBe(false)
})

it('a channel that is half set refuses to start, and says what is missing', () => {
  const reads = (env: Record<string, string>) => () => readSettings(env)
  expect(reads({ SLACK_BOT_TOKEN: 'xoxb-1' })).toThrow('SLACK_SIGNING_SECRET')
  expect(reads({ JIRA_HOST: 'https://acme.atlassian.net', JIRA_EMAIL: 'a@b.c', JIRA_API_TOKEN: 'x' })).toThrow(
    'JIRA_WEBHOOK_SECRET',
  )
  expect(reads({ CLICKUP_API_TOKEN: 'pk_1', CLICKUP_TEAM_ID: '9' })).toThrow('CLICKUP_WEBHOOK_SECRET')
  expect(reads({ CLICKUP_API_TOKEN: 'pk_1', CLICKUP_WEBHOOK_SECRET: 'long enough' })).toThrow('CLICKUP_TEAM_ID')
  expect(reads({ SLACK_CLIENT_ID: '1', SLACK_CLIENT_SECRET: '2', SLACK_SIGNING_SECRET: 'long enough' })).toThrow(
    'MUSTER_SECRET_KEY',
  )
  expect(reads({ JIRA_CLIENT_ID: '1', MUSTER_SECRET_KEY: 'x'.repeat(32) })).toThrow('JIRA_CLIENT_SECRET')
  const jira = {
    JIRA_HOST: 'https://a.b',
    JIRA_EMAIL: 'a@b.c',
    JIRA_API_TOKEN: 'x',
    JIRA_WEBHOOK_SECRET: 'long enough',
  }
  expect(reads({ ...jira, JIRA_PROJECTS: 'SHOP:acme/web' })).toThrow('is not KEY=owner/name')
  expect(reads({ ...jira, JIRA_TRUST_EMAIL: 'maybe' })).toThrow('neither yes nor no')
  expect(
    readSettings({ ...jira, JIRA_PROJECTS: 'SHOP=acme/web, OPS = acme/infra' }).channels.of.jira?.repositories[0]?.get(
      'OPS',
    ),
  ).toEqual({ owner: 'acme', name: 'infra' })
})

it('keeps tokens sealed, and one of many processes renews them', async () => {
  const rows = new Map<string, InstallRow>()
  const key = (channel: string, account: string) => `${channel}:${account}`
  const store: InstallStore = {
    list: async () => [...rows.values()],
    get: async (channel, account) => rows.get(key(channel, account)),
    async save(channel, account, name, sealed) {
      const version = (rows.get(key(channel, account))?.version ?? 0) + 1
      rows.set(key(channel, account), { channel, account, name, sealed, version, installedAt: new Date() })
    },
    async replace(channel, account, basedOn, sealed) {
      const row = rows.get(key(channel, account))
      if (row?.version !== basedOn) return false
      rows.set(key(channel, account), { ...row, sealed, version: basedOn + 1 })
      return true
    },
    remove: async (channel, account) => rows.delete(key(channel, account)),
  }
  let refreshed = 0
  const tokens = { accessToken: 'access-1', refreshToken: 'refresh-1', expiresAt: 1000, extra: {} }
  const installs = createInstalls({
    store,
    seal,
    installers: {
      slack: {
        authorizeUrl: () => '',
        exchange: async () => [{ account: 'T1', name: 'Acme', tokens }],
        refresh: async () => ({ ...tokens, accessToken: `access-${++refreshed + 1}`, expiresAt: 9_999_999 }),
        revoke: async () => {},
      },
    },
    hooksUrl: () => '',
    now: () => 2000,
    sleep: (ms) => new Promise((done) => setTimeout(done, ms / 50)),
    learn: () => {},
  })
  await installs.connect('slack', 'code', '')
  expect(JSON.stringify([...rows.values()])).not.toMatch(/access-1|refresh-1/)
  let held = false
  const leases = {
    async acquire() {
      if (held) return undefined
      held = true
      return { release: async () => void (held = false) } as never
    },
  }
  const all = await Promise.all(Array.from({ length: 10 }, () => installs.tokens('slack', 'T1', leases)))
  expect(new Set(all.map((one) => one?.accessToken))).toEqual(new Set(['access-2']))
  expect(refreshed).toBe(1)
})

it('the keys of an app that was registered by the page are sealed where there is a key, old rows stay readable', async () => {
  const rows = new Map<string, unknown>()
  const instance = {
    get: async (key: string) => rows.get(key),
    set: async (key: string, value: unknown) => void rows.set(key, value),
  }
  const app = { appId: '1', privateKey: 'PRIVATE-PEM', webhookSecret: 'hook-secret', slug: 'muster' }
  const [key, next] = ['the first key of thirty-two characters', 'the second key of thirty-two characters']
  await appStore(instance, undefined, undefined).save(app)
  expect(await appStore(instance, undefined, undefined).load()).toEqual(app)
  // Read once with a key, it is sealed from then on.
  expect(await appStore(instance, key, undefined).load()).toEqual(app)
  expect(JSON.stringify([...rows])).not.toMatch(/PRIVATE-PEM|hook-secret/)
  expect(await appStore(instance, key, undefined).load()).toEqual(app)
  await expect(appStore(instance, undefined, undefined).load()).rejects.toMatchObject({ code: 'sealed' })
  await expect(appStore(instance, next, undefined).load()).rejects.toMatchObject({ code: 'sealed' })
  // A new key beside the one before; afterwards the new one alone.
  expect(await appStore(instance, next, key).load()).toEqual(app)
  expect(await appStore(instance, next, undefined).load()).toEqual(app)
})
