import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBodies } from '../../src/http/bodies.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene
const slackSecret = () => scene.slack?.env['SLACK_SIGNING_SECRET'] ?? ''
beforeAll(async () => {
  scene = await startScene({ slack: true, jira: true, clickup: true })
})
afterAll(() => scene.stop())

const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')
const DEEP = 50_000

/** Calls that are signed as their service signs them. */
function signed(source: 'github' | 'slack' | 'jira' | 'clickup', body: string): Promise<Response> {
  const at = String(Math.floor(Date.now() / 1000))
  const { env: jira } = scene.jira ?? { env: {} }
  const { env: clickup } = scene.clickup ?? { env: {} }
  const doors = {
    github: [
      '/api/github/webhooks',
      {
        'x-hub-signature-256': `sha256=${hmac(scene.stage.world.app.webhookSecret, body)}`,
        'x-github-event': 'issue_comment',
        'x-github-delivery': randomUUID(),
      },
    ],
    slack: [
      '/api/slack/events',
      { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${hmac(slackSecret(), `v0:${at}:${body}`)}` },
    ],
    jira: [
      '/api/jira/webhooks',
      { 'x-hub-signature': `sha256=${hmac((jira as Record<string, string>)['JIRA_WEBHOOK_SECRET'] ?? '', body)}` },
    ],
    clickup: [
      '/api/clickup/webhooks',
      { 'x-signature': hmac((clickup as Record<string, string>)['CLICKUP_WEBHOOK_SECRET'] ?? '', body) },
    ],
  } as const
  const [path, headers] = doors[source]
  return fetch(`${scene.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

describe('a signed webhook with odd contents', () => {
  const comment = (body: string, extra = '') =>
    `{"action":"created","issue":{"number":1,"title":"x\\u0000","body":"b","user":{"id":1,"login":"a"},"html_url":"u","created_at":"2026-01-01"},"comment":{"id":5,"user":{"id":1,"login":"a"},"body":${body},"created_at":"2026-01-01"},"repository":{"id":1,"name":"n\\ud800","default_branch":"main","owner":{"login":"o\\u0000"}},"sender":{"id":1,"login":"a"},"installation":{"id":7}${extra}}`
  const nested = `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`
  const objects = `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`
  it.each([
    ['github', comment('"@muster build \\u0000 \\ud83d \\udc00 x"')],
    ['github', comment('"x"', `,"z":${nested}`)],
    ['github', objects],
    [
      'slack',
      `{"type":"event_callback","team_id":"T\\u0000","event_id":"E\\ud800","event":{"type":"message","text":"\\u0000 \\udfff","user":"U\\u0000","channel":"C\\u0000","ts":"1.2"}}`,
    ],
    ['slack', `{"type":"event_callback","z":${nested}}`],
    ['slack', `{"type":"x\\u0000","z":${objects}}`],
    [
      'jira',
      `{"webhookEvent":"comment_created","comment":{"self":"http://x/rest/api/2/issue/1\\u0000/comment/1","id":"\\u0000","body":"\\ud800","author":{"accountId":"\\u0000","displayName":"\\udfff"}},"issue":{"id":"\\u0000","key":"A-\\u0000","self":"http://x/\\u0000"}}`,
    ],
    ['jira', `{"webhookEvent":"jira:issue_created","z":${nested}}`],
    [
      'clickup',
      `{"event":"taskCommentPosted","task_id":"t\\u0000","webhook_id":"w","history_items":[{"id":"\\u0000","comment":{"id":"\\ud800","text_content":"\\u0000","user":{"id":5}}}]}`,
    ],
    ['clickup', objects],
  ] as const)('%s: it is kept and decided, whatever stands in it', async (source, body) => {
    const before = (await scene.events(`&source=${source}`)).length
    const answer = await signed(source, body)
    expect(answer.status, await answer.text()).toBeLessThan(300)
    await soon(async () => (await scene.events(`&source=${source}`)).length).toBe(before + 1)
    await soon(async () => (await scene.events(`&source=${source}`)).at(0)?.decision?.outcome).toBeTruthy()
    expect((await scene.events(`&source=${source}`)).at(0)?.decision?.reason).not.toBe('will_retry')
  })
})

describe('the API', () => {
  it('answers odd characters and absurd nesting with 4xx', async () => {
    const of = async (path: string, body?: string) =>
      (
        await fetch(
          `${scene.url}/api/v1${path}`,
          body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } },
        )
      ).status
    const nul = Buffer.from('2026-01-01T00:00:00.000Z a\0b').toString('base64url')
    for (const path of [
      '/tasks/%00',
      '/tasks/a%00b/events',
      '/tasks/%00/verify',
      '/events?source=%00',
      '/events?conversation=a%00',
      '/events?deliveryId=%00',
      `/tasks?cursor=${nul}`,
      `/events?cursor=${nul}`,
      '/dead-letters/%00',
      '/releases/%00/log',
      '/tasks/%ff',
      '/tasks/%E0%A4%A',
    ])
      expect([path, await of(path)].join()).toMatch(/,4\d\d$/)
    for (const body of [
      '{"repository":"a/b","issue":1,"request":"\\u0000"}',
      '{"repository":"a/b","issue":1,"request":"\\ud800"}',
      '{"repository":"a\\u0000/b","issue":1}',
      `{"repository":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`,
      `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`,
      '[',
      '\0',
    ])
      expect([body.slice(0, 40), await of('/tasks', body)].join()).toMatch(/,4\d\d$/)
    const person = { channel: 'slack', account: 'T\0', member: 'U', githubId: 1, login: 'a' }
    expect(await of('/people', JSON.stringify(person))).toBe(400)
  })
})

describe('what is not signed', () => {
  it('is turned away before its body is taken', async () => {
    const { hostname, port } = new URL(scene.url)
    for (const [path, headers] of [
      ['/api/github/webhooks', {}],
      ['/api/github/webhooks', { 'x-hub-signature-256': 'sha256=short' }],
      ['/api/slack/events', { 'x-slack-signature': `v0=${'a'.repeat(64)}`, 'x-slack-request-timestamp': '1' }],
      ['/api/jira/webhooks', { authorization: 'Basic x' }],
      ['/api/clickup/webhooks', { 'x-signature': 'zz' }],
    ] as const) {
      const answered = await new Promise<number | undefined>((resolve, reject) => {
        const call = request(
          {
            hostname,
            port,
            path,
            method: 'POST',
            headers: { 'content-type': 'application/json', 'content-length': '20000000', ...headers },
          },
          (answer) => {
            resolve(answer.statusCode)
            call.destroy()
          },
        )
        call.on('error', reject)
        // Not a byte of the body: the answer waits for none.
        call.flushHeaders()
      })
      expect(answered, path).toBe(401)
    }
  })
})

describe('bodies in flight', () => {
  async function server(limits: Parameters<typeof readBodies>[1]) {
    const app = Fastify()
    readBodies(app, limits)
    const waiting: (() => void)[] = []
    app.post('/', { bodyLimit: 1000 }, async (request) => {
      await new Promise<void>((done) => waiting.push(done))
      return { bytes: (request.body as Buffer).length }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const post = (bytes: number) =>
      fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        body: 'x'.repeat(bytes),
        headers: { 'content-type': 'application/json' },
      })
    return { app, port, post, waiting }
  }

  it('take no more than their share, and give it back', async () => {
    const { app, post, waiting } = await server({ total: 2000, peer: 1500, deadlineMs: 10_000 })
    const first = post(900)
    await soon(() => waiting.length).toBe(1)
    expect((await post(900)).status).toBe(503)
    expect((await post(1001)).status).toBe(413)
    waiting[0]?.()
    expect((await first).status).toBe(200)
    const again = post(900)
    await soon(() => waiting.length).toBe(2)
    waiting[1]?.()
    expect(await (await again).json()).toEqual({ bytes: 900 })
    await app.close()
  })

  it('are not read any further once they are too much: whoever goes on sending is answered, and cut off', async () => {
    const { app, port } = await server({ total: 100_000, peer: 100_000, deadlineMs: 60_000 })
    const endless = connect(port, '127.0.0.1')
    let answer = ''
    endless.on('data', (part) => (answer += String(part)))
    endless.on('error', () => {})
    const closed = new Promise<void>((done) => endless.on('close', () => done()))
    endless.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n')
    const more = setInterval(() => endless.writable && endless.write(`1f4\r\n${'x'.repeat(500)}\r\n`), 5)
    await closed
    clearInterval(more)
    expect(answer).toContain('413')
    await app.close()
  })

  it('are not waited for without end, and count no more once their sender is gone', async () => {
    const { app, port, post, waiting } = await server({ total: 1000, peer: 1000, deadlineMs: 300 })
    const slow = connect(port, '127.0.0.1')
    const closed = new Promise<void>((done) => slow.on('close', () => done()))
    slow.on('error', () => {})
    slow.write(
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n${'x'.repeat(800)}`,
    )
    await closed
    const next = post(900)
    await soon(() => waiting.length).toBe(1)
    waiting[0]?.()
    expect((await next).status).toBe(200)
    await app.close()
  })
})
