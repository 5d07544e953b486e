import { describe, expect, it } from 'vitest'
import { type ChannelSettings, readChannels } from '../../src/channels/registry.ts'
import type { EffectBody, SurfaceBody, SurfaceKind } from '../../src/core/effects.ts'
import type { EnvProblem } from '../../src/core/environment.ts'
import {
  CHANNEL_NAMES,
  type ChannelName,
  channelTraits,
  type Surface,
  surfaceKey,
  surfaceName,
} from '../../src/core/said.ts'
import { origin } from '../support/tasks.ts'

/** What each channel is set by: with a token of one workspace, and as an app that people install. */
const SET: Readonly<
  Record<
    ChannelName,
    { readonly fixed: Record<string, string>; readonly app: Record<string, string>; readonly at: Surface }
  >
> = {
  slack: {
    fixed: { SLACK_BOT_TOKEN: 'xoxb-token-of-the-bot', SLACK_SIGNING_SECRET: 'secret-of-the-signature' },
    app: {
      SLACK_CLIENT_ID: '1.2',
      SLACK_CLIENT_SECRET: 'secret-of-the-app',
      SLACK_SIGNING_SECRET: 'secret-of-the-signature',
    },
    at: { channel: 'slack', team: 'T1', room: 'C1', thread: '1.2' },
  },
  jira: {
    fixed: {
      JIRA_HOST: 'https://acme.atlassian.net',
      JIRA_EMAIL: 'muster@acme.example',
      JIRA_API_TOKEN: 'token-of-the-account',
      JIRA_WEBHOOK_SECRET: 'secret-of-the-webhook',
    },
    app: { JIRA_CLIENT_ID: 'id', JIRA_CLIENT_SECRET: 'secret-of-the-app' },
    at: { channel: 'jira', site: 'https://acme.atlassian.net', ticket: '10001', name: 'SHOP-1' },
  },
  clickup: {
    fixed: {
      CLICKUP_API_TOKEN: 'pk_token-of-the-account',
      CLICKUP_WEBHOOK_SECRET: 'secret-of-the-webhook',
      CLICKUP_TEAM_ID: '9012345678',
    },
    app: { CLICKUP_CLIENT_ID: 'id', CLICKUP_CLIENT_SECRET: 'secret-of-the-app' },
    at: { channel: 'clickup', team: '9012345678', ticket: '86r0001' },
  },
}
const KEY = { MUSTER_SECRET_KEY: 'k'.repeat(64) }
const place = { repository: origin.repository, number: 5 }

/** One effect of every kind that is seen in another channel; a kind that is forgotten does not compile. */
const EFFECTS: { readonly [Kind in SurfaceKind]: Omit<Extract<SurfaceBody, { kind: Kind }>, 'surface'> } = {
  'card.upsert': { kind: 'card.upsert', place },
  message: { kind: 'message', place, document: [], buttons: [] },
  'message.upsert': { kind: 'message.upsert', place, document: [], buttons: [] },
  chart: { kind: 'chart', place, title: 't', series: [] },
  form: { kind: 'form', place, trigger: 't', form: { name: 'answer', questions: ['?'] } },
  home: { kind: 'home', place, member: 'U1', document: [] },
  unfurl: { kind: 'unfurl', place, messageId: '1.2', shown: [] },
  whisper: { kind: 'whisper', place, member: 'U1', name: 'alice', document: [] },
  seen: { kind: 'seen', place, messageId: '1.2' },
  'mark.upsert': { kind: 'mark.upsert', place, messageId: '1.2' },
  'ticket.move': { kind: 'ticket.move', place, to: 'done' },
  'ticket.split': { kind: 'ticket.split', place, parts: [] },
  'ticket.link': { kind: 'ticket.link', place, what: 'deployment', url: 'https://x.test', title: 't', done: false },
}

function read(env: Record<string, string>): { settings: ChannelSettings; problems: EnvProblem[] } {
  const problems: EnvProblem[] = []
  return { settings: readChannels(env, problems), problems }
}

/** What every channel beside GitHub owes: a new one is finished when this passes, and it has a row above. */
describe.each(CHANNEL_NAMES)('the channel %s', (name) => {
  const { fixed, app, at } = SET[name]
  const setup = (env: Record<string, string>) => {
    const { settings, problems } = read({ ...env, ...KEY })
    expect(problems).toEqual([])
    const found = settings.of[name]
    if (!found) throw new Error(`${name} is not switched on by ${Object.keys(env).join(', ')}`)
    return found
  }

  it('is off where nothing of it is set, and never half on', () => {
    expect(read({}).settings.of[name]).toBeUndefined()
    expect(read({}).problems).toEqual([])
    for (const [variable] of Object.entries(fixed)) {
      const { [variable]: _, ...rest } = fixed
      const { problems } = read(rest)
      expect(
        problems.map((one) => one.variable),
        `without ${variable}`,
      ).toContain(variable)
    }
  })

  it('is switched on by the settings of one workspace, or as an app, and says which', () => {
    expect(setup(fixed)).toMatchObject({ name, isFixed: true, app: undefined })
    expect(setup(app)).toMatchObject({ name, isFixed: false })
    expect(setup(app).app).toBeDefined()
    expect(setup(app).open).toBeUndefined()
    expect(setup({ ...fixed, ...app })).toMatchObject({ name, isFixed: true })
  })

  it('keeps every secret from being shown, and says whom it asks', () => {
    const { secrets, addresses } = setup({ ...fixed, ...app })
    const values = Object.entries({ ...fixed, ...app }).filter(([variable]) => /TOKEN|SECRET/.test(variable))
    for (const [variable, value] of values) expect(secrets, variable).toContain(value)
    for (const [, url] of addresses) expect(URL.canParse(url ?? '')).toBe(true)
    expect(addresses.length).toBeGreaterThan(0)
  })

  it('knows what every effect takes of its limits', () => {
    const { costOf, limits } = setup(fixed)
    for (const effect of Object.values(EFFECTS)) {
      const body = { ...effect, surface: at } as EffectBody
      for (const previous of [undefined, { ref: 'x', parts: ['x'] }])
        for (const [bucket, cost] of Object.entries(costOf(body, previous))) {
          expect(limits[bucket], `${body.kind} takes of ${bucket}`).toBeDefined()
          // More than is ever there would wait for ever.
          expect(cost).toBeLessThanOrEqual(limits[bucket]?.capacity ?? 0)
        }
    }
  })

  it('lets nothing in that is not signed', async () => {
    const verifier = setup(fixed).verifier?.({ previous: () => undefined, kept: undefined })
    if (!verifier) throw new Error('no verifier')
    expect(verifier.looksSigned({})).toBe(false)
    for (const headers of [{}, { authorization: 'Bearer x' }, { 'x-hub-signature': 'sha256=00', 'x-signature': '00' }])
      expect(await verifier.receive(headers, Buffer.from('{}'))).toMatchObject({ ok: false, status: 401 })
  })

  it('has a door and a place of its own, and is called by its name', () => {
    const others = CHANNEL_NAMES.filter((one) => one !== name)
    const { door, title } = channelTraits(name)
    expect(door.path).toMatch(/^\/api\/[a-z]+\/[a-z]+$/)
    for (const other of others) {
      expect(channelTraits(other).door.path).not.toBe(door.path)
      expect(surfaceKey(SET[other].at)).not.toBe(surfaceKey(at))
    }
    expect(surfaceKey(at).startsWith(`${name}:`)).toBe(true)
    expect(`${title} ${surfaceName(at)}`.toLowerCase()).toContain(name)
  })
})
