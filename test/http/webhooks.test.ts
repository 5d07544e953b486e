import { createHmac, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene
let secret = ''
beforeAll(async () => {
  scene = await startScene()
  secret = scene.stage.world.app.webhookSecret
})
afterAll(() => scene.stop())

const sign = (body: string | Buffer, algorithm = 'sha256', key = secret) =>
  `${algorithm}=${createHmac(algorithm, key).update(body).digest('hex')}`

function send(body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  const all: Record<string, string> = {
    'content-type': 'application/json',
    'x-github-event': 'issues',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': sign(body),
    ...headers,
  }
  return fetch(`${scene.url}/api/github/webhooks`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')),
  })
}

async function decisionOf(delivery: string) {
  await soon(async () => (await scene.events(`&deliveryId=${delivery}`)).at(-1)?.decision?.outcome).toBeTruthy()
  return (await scene.events(`&deliveryId=${delivery}`)).map((one) => one.decision)
}

describe('what arrives as a webhook', () => {
  it.each([
    ['unsigned', { 'x-hub-signature-256': '' }],
    ['signed with another secret', { 'x-hub-signature-256': sign('{}', 'sha256', 'wrong') }],
    ['signed with SHA-1 only', { 'x-hub-signature-256': '', 'x-hub-signature': 'sha1=aa' }],
    ['with a truncated signature', { 'x-hub-signature-256': 'sha256=abcdef' }],
    ["signed with Probot's default", { 'x-hub-signature-256': sign('{}', 'sha256', 'development') }],
  ])('%s: 401, and nothing is kept', async (_name, headers) => {
    const delivery = randomUUID()
    const answer = await send('{}', { ...headers, 'x-github-delivery': delivery })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(await scene.events(`&deliveryId=${delivery}`)).toEqual([])
  })

  it('the signature of a truncated body does not hold', async () => {
    const body = JSON.stringify({ action: 'opened' })
    expect((await send(body.slice(0, -5), { 'x-hub-signature-256': sign(body) })).status).toBe(401)
  })

  it('over 25 MB: 413', async () => {
    const { hostname, port } = new URL(scene.url)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(
        {
          hostname,
          port,
          path: '/api/github/webhooks',
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': String(26 * 1024 * 1024),
            'x-hub-signature-256': sign('{}'),
          },
        },
        (answer) => resolve(answer.statusCode),
      )
      call.on('error', reject)
      call.write('{')
    })
    expect(status).toBe(413)
  })

  it.each([
    ['no JSON', 'issues', 'not json', 'malformed'],
    ['JSON of the wrong shape', 'issues', '{"action":5,"issue":[]}', 'malformed'],
    ['an empty body', 'issues', '', 'malformed'],
    ['null', 'issue_comment', 'null', 'malformed'],
    ['an unknown event', 'made_up', '{}', 'unknown_event'],
    ['a ping', 'ping', '{"zen":"x"}', 'ping'],
    ['a form', 'issues', `payload=${encodeURIComponent('{"action":5}')}`, 'malformed'],
    ['a prototype name as event', 'constructor', '{}', 'unknown_event'],
    ['bytes that are no text', 'issues', Buffer.from([0xef, 0xbb, 0xbf, 0x7b]), 'malformed'],
  ])('signed, but %s: 2xx, recorded and ignored', async (_name, event, body, reason) => {
    const delivery = randomUUID()
    const answer = await send(body, { 'x-github-event': event, 'x-github-delivery': delivery })
    // A body that is no UTF-8 cannot be what GitHub signed.
    if (answer.status === 401 && Buffer.isBuffer(body)) return
    expect(answer.status).toBe(202)
    expect(await decisionOf(delivery)).toEqual([expect.objectContaining({ outcome: 'ignored', reason })])
  })

  it('the same delivery again: 2xx, duplicate', async () => {
    const delivery = randomUUID()
    const body = '{"action":"opened"}'
    expect((await send(body, { 'x-github-delivery': delivery })).status).toBe(202)
    const again = await send(body, { 'x-github-delivery': delivery })
    expect(again.status).toBe(202)
    expect(await again.json()).toMatchObject({ decision: { outcome: 'duplicate' } })
    await soon(async () => (await scene.events(`&deliveryId=${delivery}`)).map((one) => one.decision?.outcome)).toEqual(
      ['duplicate', 'ignored'],
    )
  })

  it('missing headers: 400', async () => {
    expect((await send('{}', { 'x-github-delivery': '' })).status).toBe(400)
    expect((await send('{}', { 'x-github-event': "x'; DROP" })).status).toBe(400)
  })

  it("all of GitHub's example payloads: never a 5xx, each with a decision", async () => {
    const examples: { name: string; examples: object[] }[] = createRequire(import.meta.url)(
      '@octokit/webhooks-examples',
    )
    const all = examples.flatMap(({ name, examples: list }) =>
      list.map((example) => ({
        name,
        body: JSON.stringify({ ...example, installation: { id: scene.stage.world.installationId } }),
      })),
    )
    expect(all.length).toBeGreaterThanOrEqual(329)
    const deliveries: string[] = []
    for (const { name, body } of all) {
      const delivery = randomUUID()
      deliveries.push(delivery)
      const answer = await send(body, { 'x-github-event': name, 'x-github-delivery': delivery })
      expect(answer.status).toBe(202)
    }
    const decided = async () => {
      const events = await scene.events()
      return deliveries.filter((one) => events.some((event) => event.deliveryId === one && event.decision)).length
    }
    await soon(decided).toBe(all.length)
    expect((await fetch(`${scene.url}/healthz`)).status).toBe(200)
  }, 90_000)
})

describe('the API', () => {
  it('describes itself, pages, and names what is wrong with a request', async () => {
    const api = (await (await fetch(`${scene.url}/api/v1/openapi.json`)).json()) as { openapi: string; paths: object }
    expect(api.openapi).toBe('3.1.0')
    expect(Object.keys(api.paths)).toEqual(
      expect.arrayContaining(['/api/v1/tasks', '/api/v1/tasks/{id}', '/api/v1/tasks/{id}/events', '/api/v1/events']),
    )
    for (const path of [
      '/events?limit=0',
      '/events?limit=1001',
      '/events?limit=x',
      '/tasks?cursor=nonsense',
      '/events?cursor=%00',
    ]) {
      const answer = await fetch(`${scene.url}/api/v1${path}`)
      expect([path, answer.status]).toEqual([path, 400])
      expect(await answer.json()).toMatchObject({ status: 400, type: expect.stringContaining('urn:muster:problem:') })
    }
    expect((await fetch(`${scene.url}/api/v1/tasks/none`)).status).toBe(404)
    expect((await fetch(`${scene.url}/api/v1/nothing`)).status).toBe(404)
    expect(
      (
        await fetch(`${scene.url}/api/v1/tasks`, {
          method: 'POST',
          body: '{"repository":"x"}',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(400)
    expect(
      (
        await fetch(`${scene.url}/api/v1/tasks`, {
          method: 'POST',
          body: '{"repository":"acme/none","issue":1}',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
    ).toBe(404)
  })

  it('answers to this machine only while there is no token, even through a proxy', async () => {
    expect((await fetch(`${scene.url}/api/v1/tasks`, { headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(
      401,
    )
  })

  it('starts the work on an issue', async () => {
    const issue = await scene.stage.people.openIssue('carol', 'Wrong price', 'x')
    const answer = await fetch(`${scene.url}/api/v1/tasks`, {
      method: 'POST',
      body: JSON.stringify({ repository: 'acme/price-service', issue: issue.number }),
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.status).toBe(202)
    await soon(async () => (await scene.task(issue.number)).state.spec?.title).toBe('Charge the right tier')
  })

  it('is ready, and says of what', async () => {
    const answer = await fetch(`${scene.url}/readyz`)
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { ok: true, checks: ['database', 'disk', 'queue', 'github'].map((name) => ({ name, ok: true, detail: 'ok' })) },
    ])
  })
})
