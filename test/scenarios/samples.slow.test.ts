import { createHmac } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ hookTimeout: 240_000, testTimeout: 360_000 })

/** Real payloads, and bad ones, as the vendors post them: signed, over HTTP, to a running server. */

const SAMPLES = new URL('../../../shared/samples/', import.meta.url)
const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')

let scene: Scene
beforeAll(async () => {
  scene = await startScene({ slack: true, jira: true, clickup: true })
})
afterAll(() => scene.stop())

function secrets() {
  const { slack, jira, clickup } = scene
  if (!slack || !jira || !clickup) throw new Error('a channel is missing')
  return {
    slack: slack.server.world.signingSecret,
    jira: jira.server.world.secret,
    clickup: clickup.server.world.secret,
  }
}

interface Post {
  readonly path: string
  readonly body: string
  readonly headers: Record<string, string>
}
const post = async ({ path, body, headers }: Post) =>
  (await fetch(`${scene.url}/api/${path}`, { method: 'POST', body, headers })).status

function toSlack(
  body: string,
  type = 'application/json',
  at = Math.floor(Date.now() / 1000),
  extra: Record<string, string> = {},
): Post {
  const signature = `v0=${hmac(secrets().slack, `v0:${at}:${body}`)}`
  return {
    path: 'slack/events',
    body,
    headers: {
      'content-type': type,
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': signature,
      ...extra,
    },
  }
}
const toJira = (body: string): Post => ({
  path: 'jira/webhooks',
  body,
  headers: { 'content-type': 'application/json', 'x-hub-signature': `sha256=${hmac(secrets().jira, body)}` },
})
const toClickup = (body: string): Post => ({
  path: 'clickup/webhooks',
  body,
  headers: { 'content-type': 'application/json', 'x-signature': hmac(secrets().clickup, body) },
})

const event = JSON.stringify({
  type: 'event_callback',
  team_id: 'T1',
  event_id: 'Ev1',
  event: { type: 'message', channel: 'C1', user: 'U1', text: 'hello', ts: '1700000000.000100' },
})

it('unsigned, wrongly signed and old calls are turned away on every channel', async () => {
  for (const good of [toSlack(event), toJira('{}'), toClickup('{}')]) {
    expect(await post({ ...good, headers: { 'content-type': 'application/json' } })).toBe(401)
    expect(await post({ ...good, body: `${good.body} ` })).toBe(401)
  }
  expect(await post(toSlack(event, 'application/json', Math.floor(Date.now() / 1000) - 6 * 60))).toBe(401)
  expect((await scene.events('&source=slack')).length).toBe(0)
})

it('what Slack sends again is one event; what nobody knows, or lacks everything, has an answer', async () => {
  expect(await post(toSlack(event))).toBe(200)
  expect(
    await post(
      toSlack(event, 'application/json', undefined, {
        'x-slack-retry-num': '1',
        'x-slack-retry-reason': 'http_timeout',
      }),
    ),
  ).toBe(200)
  const odd = [
    '{}',
    '{"type":"something_new"}',
    '{"type":"event_callback","team_id":"T1","event_id":"Ev2","event":{"type":"message"}}',
  ]
  for (const body of odd) expect(await post(toSlack(body))).toBe(200)
  for (const body of ['{}', '{"webhookEvent":"jira:new"}', '{"webhookEvent":"comment_created"}'])
    expect(await post(toJira(body))).toBe(202)
  for (const body of ['{}', '{"event":"taskNew","task_id":"x"}', '{"event":"taskCommentPosted","task_id":"x"}'])
    expect(await post(toClickup(body))).toBe(202)
  for (const bad of [toSlack('not json'), toJira('not json'), toClickup('not json')]) expect(await post(bad)).toBe(400)
  await soon(async () => (await scene.events()).every(({ decision }) => decision !== null)).toBe(true)
  const outcomes = (await scene.events('&source=slack'))
    .filter(({ deliveryId }) => deliveryId === 'T1:C1:1700000000.000100')
    .map(({ decision }) => decision?.outcome)
  expect(new Set(outcomes)).toEqual(new Set(['duplicate', 'ignored']))
})

describe.skipIf(!existsSync(SAMPLES))('the samples', () => {
  it('all get an answer, and a decision', async () => {
    const slack = JSON.parse(readFileSync(new URL('slack/payloads.json', SAMPLES), 'utf8')) as {
      body: Record<string, unknown>
      form: boolean
    }[]
    for (const { body, form } of slack) {
      const command = 'command' in body
      const text = !form
        ? JSON.stringify(body)
        : new URLSearchParams(command ? (body as Record<string, string>) : { payload: JSON.stringify(body) }).toString()
      expect(await post(toSlack(text, form ? 'application/x-www-form-urlencoded' : 'application/json'))).toBe(200)
    }
    for (const file of readdirSync(new URL('jira/', SAMPLES)))
      expect(await post(toJira(readFileSync(new URL(`jira/${file}`, SAMPLES), 'utf8'))), file).toBe(202)
    await soon(async () => (await scene.events()).filter(({ decision }) => decision === null).length).toBe(0)
    const tasks = (await (await fetch(`${scene.url}/api/v1/tasks`)).json()) as { items: unknown[] }
    expect(tasks.items).toEqual([])
  })
})
