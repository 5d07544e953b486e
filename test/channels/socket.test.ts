import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Socket } from '../../src/channels/module.ts'
import { slackSocket } from '../../src/channels/slack/socket.ts'
import type { Arrival } from '../../src/core/inbound.ts'
import { soon } from '../support/scene.ts'

/** A Slack that only opens sockets, and remembers what was acknowledged. */
async function openSlack() {
  const acked: string[] = []
  const open: WebSocket[] = []
  const http = createServer((request, response) => {
    const ok =
      request.headers.authorization === 'Bearer xapp-test' && request.url?.startsWith('/api/apps.connections.open')
    const { port } = http.address() as AddressInfo
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(ok ? { ok, url: `ws://127.0.0.1:${port}/link` } : { ok: false, error: 'invalid_auth' }))
  })
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket) => {
    open.push(socket)
    socket.on('message', (data: Buffer) => {
      const { envelope_id: id } = JSON.parse(data.toString()) as { envelope_id?: string }
      if (id) acked.push(id)
    })
    socket.send(JSON.stringify({ type: 'hello', num_connections: 1, connection_info: { app_id: 'A1' } }))
  })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/api`,
    acked,
    open,
    say: (id: string, payload: object) =>
      open
        .at(-1)
        ?.send(JSON.stringify({ type: 'events_api', envelope_id: id, payload, accepts_response_payload: false })),
    async close() {
      for (const socket of open) socket.terminate()
      await new Promise((done) => sockets.close(done))
      http.closeAllConnections()
      await new Promise((done) => http.close(done))
    },
  }
}

const mention = (ts: string) => ({
  type: 'event_callback',
  team_id: 'T1',
  event_id: `Ev${ts}`,
  event: { type: 'app_mention', channel: 'C1', user: 'U1', text: '<@U9> help', ts },
})

let slack: Awaited<ReturnType<typeof openSlack>> | undefined
let socket: Socket | undefined
afterEach(async () => {
  await socket?.stop()
  await slack?.close()
})

it('a socket hands over what HTTP would; what could not be stored is not acknowledged; and it comes back when it breaks', async () => {
  slack = await openSlack()
  const stored: Arrival[] = []
  let broken = false
  const log: string[] = []
  socket = slackSocket(
    { appToken: 'xapp-test', apiUrl: slack.url },
    async (arrival) => {
      if (broken) throw new Error('the database is away')
      stored.push(arrival)
    },
    (_level, message) => void log.push(message),
  )
  await socket.start()
  slack.say('e1', mention('1700000000.000100'))
  await soon(() => slack?.acked).toEqual(['e1'])
  expect(stored).toMatchObject([
    {
      source: 'slack',
      kind: 'app_mention',
      deliveryId: 'T1:C1:1700000000.000100',
      lane: 'slack:T1/C1/1700000000.000100',
    },
  ])
  broken = true
  slack.say('e2', mention('1700000000.000200'))
  await soon(() => log).toContain('an event of the socket could not be stored')
  broken = false
  expect(slack.acked).toEqual(['e1'])
  const before = slack.open.length
  slack.open.at(-1)?.terminate()
  await soon(() => slack?.open.length).toBe(before + 1)
  slack.say('e2', mention('1700000000.000200'))
  await soon(() => slack?.acked).toEqual(['e1', 'e2'])
  expect(stored).toHaveLength(2)
})
