import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Running } from '../../src/cli/types.ts'
import { startServer } from '../../src/compose/server.ts'
import { copyTemplate } from '../support/scene.ts'

const dir = mkdtempSync(join(tmpdir(), 'muster-setup-'))
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
let running: Running
let url = ''
const github = createServer((request, response) => {
  const good = request.url === '/api/v3/app-manifests/good-code/conversions'
  response.writeHead(good ? 201 : 404, { 'content-type': 'application/json' }).end(
    good
      ? JSON.stringify({
          id: 7,
          slug: 'my-muster',
          pem: privateKey,
          webhook_secret: 'secret-of-the-hook',
          html_url: 'https://x/apps/my-muster',
        })
      : '{}',
  )
})
const env = () => ({
  PORT: '0',
  HOST: '127.0.0.1',
  MUSTER_DATA: join(dir, 'data'),
  LOG_LEVEL: 'silent',
  GITHUB_SERVER_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}`,
})

beforeAll(async () => {
  await new Promise<void>((done) => github.listen(0, '127.0.0.1', done))
  copyTemplate(join(dir, 'data'))
  running = await startServer(env(), 'test')
  url = `http://127.0.0.1:${running.port}`
})
afterAll(async () => {
  await running.stop()
  github.close()
  rmSync(dir, { recursive: true, force: true })
})

it('with no settings at all it starts, and registers an app by the manifest flow', async () => {
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect((await fetch(`${url}/api/github/webhooks`, { method: 'POST', body: '{}' })).status).toBe(503)
  // Behind a proxy everybody seems to be on this machine: only the code counts.
  expect((await fetch(url)).status).toBe(403)
  expect((await fetch(`${url}/?setup=guess`)).status).toBe(403)
  const page = await (await fetch(running.setupUrl ?? '')).text()
  const manifest =
    /name="manifest" value="([^"]+)"/
      .exec(page)?.[1]
      ?.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code))) ?? '{}'
  expect(JSON.parse(manifest)).toMatchObject({
    public: false,
    default_permissions: { contents: 'write', checks: 'write' },
    default_events: expect.arrayContaining(['issues', 'check_run']),
    hook_attributes: { url: expect.stringContaining('/api/github/webhooks') },
  })
  expect(manifest).not.toContain('workflows')
  const state = /settings\/apps\/new\?state=(\w+)/.exec(page)?.[1] ?? ''
  for (const query of ['', '?code=good-code', '?code=good-code&state=forged'])
    expect((await fetch(`${url}/setup/callback${query}`)).status).toBe(400)
  const done = await fetch(`${url}/setup/callback?code=good-code&state=${state}`)
  expect(done.status).toBe(200)
  expect(await done.text()).toContain('/apps/my-muster/installations/new')
  expect((await fetch(`${url}/api/github/webhooks`, { method: 'POST', body: '{}' })).status).toBe(401)
})

it('keeps the app over a restart, and nobody can register another', async () => {
  await running.stop()
  running = await startServer(env(), 'test')
  url = `http://127.0.0.1:${running.port}`
  expect(await (await fetch(url)).text()).toContain('is set up')
  expect((await fetch(`${url}/setup/callback?code=good-code&state=x`)).url).toBe(`${url}/`)
})

it('refuses a data folder that another server uses', async () => {
  await expect(startServer(env(), 'test')).rejects.toThrow('in use by process')
})
