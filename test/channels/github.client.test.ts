import { generateKeyPairSync } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { githubClient } from '../../src/channels/github/client.ts'
import { githubPlatform } from '../../src/channels/github/platform.ts'
import { githubSender } from '../../src/channels/github/send.ts'
import type { Repository } from '../../src/core/task/types.ts'

/** A GitHub that does not answer as it should, over HTTP. */

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})
const repository: Repository = { id: 1, owner: 'acme', name: 'shop', defaultBranch: 'main', installationId: 7 }
type Answer = (request: IncomingMessage, response: ServerResponse) => void
const json =
  (status: number, body: unknown): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
let answers: Record<string, Answer> = {}
const server = createServer((request, response) => {
  const found = Object.keys(answers).find((path) => request.url?.startsWith(path))
  if (found) answers[found]?.(request, response)
  else json(404, { message: 'Not Found' })(request, response)
})
beforeAll(() => new Promise<void>((done) => void server.listen(0, '127.0.0.1', done)))
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  answers = {
    '/app/installations/7/access_tokens': json(201, { token: 'ghs_x', expires_at: expiresAt, permissions: {} }),
    '/app/installations': json(200, [{ id: 7 }]),
    '/app': json(200, { slug: 'muster' }),
  }
})
const platform = (timeoutMs?: number) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return githubPlatform(
    githubClient({ appId: '1', privateKey, apiUrl: url, serverUrl: url, ...(timeoutMs ? { timeoutMs } : {}) }),
  )
}

it('waits for an answer for a while only, and for its body too', async () => {
  answers['/repos/'] = () => {}
  await expect(platform(300).canWrite(repository, { id: 2, login: 'bob' })).rejects.toThrow(/timeout|aborted/i)
  answers['/repos/'] = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).write('{')
  await expect(platform(300).canWrite(repository, { id: 2, login: 'bob' })).rejects.toThrow(/timeout|aborted/i)
})

it('does without its own account where a server shows none', async () => {
  expect(await platform().self()).toMatchObject({ slug: 'muster', name: 'muster[bot]', id: -1 })
  answers['/users/'] = json(200, { id: 41 })
  expect(await platform().self()).toMatchObject({
    id: 41,
    email: expect.stringMatching(/^41\+muster\[bot\]@users\.noreply\./),
  })
})

it('says what was refused', async () => {
  answers['/repos/'] = json(403, { message: 'Resource not accessible by integration' })
  await expect(platform().canWrite(repository, { id: 2, login: 'bob' })).rejects.toMatchObject({
    code: 'no_access',
    hint: expect.stringContaining('GET /repos/acme/shop/collaborators/bob/permission was answered with 403'),
  })
})

it('knows of a job that it was run once more, as far as GitHub can tell', async () => {
  const job = { kind: 'check.rerun', place: { repository, number: 1 }, job: 5 } as const
  const context = { marker: 'm', task: undefined, previous: undefined, mayLeave: () => {}, now: 0, since: 0 }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = githubClient({ appId: '1', privateKey, apiUrl: url, serverUrl: url })
  const sender = githubSender({
    client,
    git: { commitAndPush: () => Promise.reject(new Error('nothing is pushed here')) },
    self: githubPlatform(client).self,
    appId: '1',
    publicUrl: url,
    reading: { redact: (text) => text },
  })
  expect(await sender.lookUp(job, context)).toBeUndefined()
  answers['/repos/acme/shop/actions/jobs/5'] = json(200, { id: 5, run_id: 9, run_attempt: 1 })
  answers['/repos/acme/shop/actions/runs/9'] = json(200, { id: 9, run_attempt: 1 })
  expect(await sender.lookUp(job, context)).toBeUndefined()
  answers['/repos/acme/shop/actions/runs/9'] = json(200, { id: 9, run_attempt: 2 })
  expect(await sender.lookUp(job, context)).toEqual({ id: 5 })
})
