import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Running } from '../../src/cli/types.ts'
import { startServer } from '../../src/compose/server.ts'
import { copyTemplate } from '../support/scene.ts'
import { type Smee, startSmee } from '../support/smee.ts'

const dir = mkdtempSync(join(tmpdir(), 'muster-setup-'))
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
let running: Running
let smee: Smee
/** Whether somebody has installed the app. */
let isInstalled = false
let url = ''
const github = createServer((request, response): unknown => {
  const json = (body: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const path = request.url?.split('?', 1).join()
  if (path === '/api/v3/app/installations') return json(isInstalled ? [{ id: 1, suspended_at: null }] : [])
  if (path?.endsWith('/access_tokens'))
    return json({ token: 'x', expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {} }, 201)
  if (path === '/api/v3/installation/repositories')
    return json({ total_count: 1, repositories: [{ id: 5, name: 'r', owner: { login: 'o' }, default_branch: 'main' }] })
  const good = request.url === '/api/v3/app-manifests/good-code/conversions'
  return response.writeHead(good ? 201 : 404, { 'content-type': 'application/json' }).end(
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
  MUSTER_SMEE_URL: smee.url,
  GITHUB_SERVER_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}`,
})

beforeAll(async () => {
  await new Promise<void>((done) => github.listen(0, '127.0.0.1', done))
  copyTemplate(join(dir, 'data'))
  smee = await startSmee()
  running = await startServer(env(), 'test')
  url = `http://127.0.0.1:${running.port}`
})
afterAll(async () => {
  await running.stop()
  github.close()
  await smee.close()
  rmSync(dir, { recursive: true, force: true })
})

/** What the page would post to GitHub. */
function manifestIn(page: string): { hook_attributes: { url: string } } {
  const text = /name="manifest" value="([^"]+)"/.exec(page)?.[1] ?? '{}'
  const plain = text.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
  return JSON.parse(plain) as ReturnType<typeof manifestIn>
}

it('registers for an organisation too, by its own form, and refuses what is no name', async () => {
  const page = (query: string) => fetch(`${running.setupUrl ?? ''}${query}`)
  expect(await (await page('')).text()).toMatch(/Step 1 of 2.*action="[^"]*\/settings\/apps\/new\?state=\w+"/s)
  const organization = await (await page('&organization=acme-inc')).text()
  expect(organization).toMatch(/action="[^"]*\/organizations\/acme-inc\/settings\/apps\/new\?state=\w+"/)
  expect(organization).toContain('for acme-inc')
  for (const name of ['../x', '-a', 'a'.repeat(41), '"><script>', '%0d%0a']) {
    const answer = await page(`&organization=${encodeURIComponent(name)}`)
    expect(answer.status).toBe(400)
    const text = await answer.text()
    expect(text).toContain('is no name of an organisation')
    expect(text).not.toContain('<script>')
  }
})

it('offers a webhook proxy where GitHub cannot reach it, to whoever has the code', async () => {
  const code = new URL(running.setupUrl ?? '').searchParams.get('setup') ?? ''
  expect(await (await fetch(running.setupUrl ?? '')).text()).toContain('Use a webhook proxy')
  expect((await fetch(`${url}/setup/proxy`, { method: 'POST' })).status).toBe(403)
  const post = { method: 'POST', body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  const page = await (await fetch(`${url}/setup/proxy?setup=${code}`, post)).text()
  expect(page).toContain('Whoever knows that address can read them')
  expect(manifestIn(page).hook_attributes.url).toBe(`${smee.url}/channel-1`)
  // Twice is once.
  await fetch(`${url}/setup/proxy?setup=${code}`, post)
  expect(manifestIn(await (await fetch(running.setupUrl ?? '')).text()).hook_attributes.url).toBe(
    `${smee.url}/channel-1`,
  )
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
    hook_attributes: { url: `${smee.url}/channel-1` },
  })
  expect(manifest).not.toContain('workflows')
  const state = /settings\/apps\/new\?state=(\w+)/.exec(page)?.[1] ?? ''
  for (const query of ['', '?code=good-code', '?code=good-code&state=forged'])
    expect((await fetch(`${url}/setup/callback${query}`)).status).toBe(400)
  const done = await fetch(`${url}/setup/callback?code=good-code&state=${state}`)
  expect(done.status).toBe(200)
  const text = await done.text()
  expect(text).toContain('Step 2 of 2')
  expect(text).toContain('/apps/my-muster/installations/new')
  expect((await fetch(`${url}/api/github/webhooks`, { method: 'POST', body: '{}' })).status).toBe(401)
})

it('keeps the app over a restart, and nobody can register another', async () => {
  await running.stop()
  running = await startServer(env(), 'test')
  url = `http://127.0.0.1:${running.port}`
  expect(await (await fetch(url)).text()).toContain('Step 2 of 2')
  expect((await fetch(`${url}/setup/callback?code=good-code&state=x`)).url).toBe(`${url}/`)
})

it('takes GitHub’s webhooks from the proxy, signed as ever, and again after the connection was lost', async () => {
  const channel = `${smee.url}/channel-1`
  await expect.poll(() => smee.listeners(channel)).toBe(1)
  const body = JSON.stringify({ zen: 'Ünïcode “quotes”', hook_id: 1 })
  const headers = (id: string, secret: string) => ({
    'x-github-event': 'ping',
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  })
  const arrived = async () => {
    const answer = (await (await fetch(`${url}/api/v1/events`)).json()) as { items: { deliveryId: string }[] }
    return answer.items.map(({ deliveryId }) => deliveryId)
  }
  for (const nonsense of ['{', '[]', '{"body":"x"}', '{"body":{}}', 'null']) smee.raw(channel, nonsense)
  smee.post(channel, headers('forged', 'guess'), body)
  smee.post(channel, headers('one', 'secret-of-the-hook'), body)
  await expect.poll(arrived).toEqual(['one'])
  // An answer that is none ends nothing either.
  smee.refuse(2)
  smee.drop()
  await expect.poll(() => smee.listeners(channel), { timeout: 20_000, interval: 2 }).toBe(0)
  await expect.poll(() => smee.listeners(channel)).toBe(1)
  smee.post(channel, headers('two', 'secret-of-the-hook'), body)
  await expect.poll(async () => (await arrived()).toSorted()).toEqual(['one', 'two'])
})

it('says what runs once the app is installed', async () => {
  isInstalled = true
  await expect.poll(async () => (await fetch(url)).text()).toContain('Muster runs')
  const page = await (await fetch(url)).text()
  for (const word of ['installed', 'ANTHROPIC_API_KEY', 'GitHub', 'Sandbox', '@muster build'])
    expect(page).toContain(word)
})

it('refuses a data folder that another server uses', async () => {
  await expect(startServer(env(), 'test')).rejects.toThrow('in use by process')
})
