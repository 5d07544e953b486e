import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../src/cli/types.ts'
import { startServer } from '../../src/compose/server.ts'
import { keptToken } from '../../src/operate/token.ts'
import { readSettings } from '../../src/config/env.ts'
import { reachesBeyond } from '../../src/config/loopback.ts'
import { copyTemplate } from '../support/scene.ts'

/** Behind a default nginx everybody comes from 127.0.0.1, with its name and without any header that says so. */
const dir = mkdtempSync(join(tmpdir(), 'muster-local-'))
const AS_NGINX = { host: '127.0.0.1' }
let running: Running
let url = ''
let token = ''

async function start(): Promise<void> {
  running = await startServer(
    {
      PORT: '0',
      HOST: '127.0.0.1',
      MUSTER_DATA: join(dir, 'data'),
      LOG_LEVEL: 'silent',
      MUSTER_PUBLIC_URL: 'https://muster.example.com',
    },
    'test',
  )
  url = `http://127.0.0.1:${running.port}`
}

beforeAll(async () => {
  copyTemplate(join(dir, 'data'))
  await start()
  token = keptToken(join(dir, 'data')) ?? ''
})
afterAll(async () => {
  await running.stop()
  rmSync(dir, { recursive: true, force: true })
})

describe('a server that is known elsewhere', () => {
  it('answers nobody without a token, wherever they seem to be', async () => {
    for (const path of ['/tasks', '/events', '/people', '/backup', '/openapi.json', '/processes'])
      expect((await fetch(`${url}/api/v1${path}`, { headers: AS_NGINX })).status, path).toBe(401)
    const person = { channel: 'slack', account: 'T1', member: 'U1', githubId: 1, login: 'alice' }
    const linked = await fetch(`${url}/api/v1/people`, {
      method: 'POST',
      headers: { ...AS_NGINX, 'content-type': 'application/json' },
      body: JSON.stringify(person),
    })
    expect(linked.status).toBe(401)
  })

  it('makes the token once, for whoever may read its own folder', async () => {
    const file = join(dir, 'data', 'api-token')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(token).toBe(readFileSync(file, 'utf8').trim())
    expect(token.length).toBeGreaterThanOrEqual(32)
    const authorization = `Bearer ${token}`
    expect((await fetch(`${url}/api/v1/tasks`, { headers: { authorization } })).status).toBe(200)
    await running.stop()
    await start()
    expect((await fetch(`${url}/api/v1/tasks`, { headers: { authorization } })).status).toBe(200)
  })

  it('shows its set-up page to whoever has the code only', async () => {
    expect((await fetch(url, { headers: AS_NGINX })).status).toBe(403)
    expect((await fetch((running.setupUrl ?? '').replace('localhost', '127.0.0.1'))).status).toBe(200)
  })

  it('changes nothing for a page of somebody else’s', async () => {
    const post = (origin: string | undefined) =>
      fetch(`${url}/api/v1/dead-letters/x/retry`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, ...(origin === undefined ? {} : { origin }) },
      })
    for (const origin of [
      'https://evil.example',
      'null',
      'http://muster.example.com',
      'https://muster.example.com.evil.example',
      `http://127.0.0.1:${running.port}`,
    ]) {
      const answer = await post(origin)
      expect(answer.status, origin).toBe(403)
      expect(await answer.json()).toMatchObject({ type: 'urn:muster:problem:foreign_origin' })
    }
    for (const origin of [undefined, 'https://muster.example.com']) expect((await post(origin)).status).toBe(404)
  })

  it('begins no sign-in by a link that somebody is sent', async () => {
    for (const path of ['/link/code/github', '/install/invitation/go']) {
      expect((await fetch(`${url}${path}`, { redirect: 'manual' })).status, path).toBe(404)
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' }
      expect((await fetch(`${url}${path}`, { method: 'POST', headers })).status, path).toBe(403)
    }
  })
})

it('a trial on this machine alone wants no token', () => {
  const trial = {
    HOST: '127.0.0.1',
    MUSTER_PUBLIC_URL: 'http://localhost:3000',
    GITHUB_API_URL: 'http://127.0.0.1:4000/api/v3',
    GITHUB_SERVER_URL: 'http://127.0.0.1:4000',
    DATABASE_URL: 'postgresql://u:p@127.0.0.1/muster',
    REDIS_URL: 'redis://[::1]:6379',
  }
  expect(reachesBeyond(readSettings(trial))).toEqual([])
  expect(
    reachesBeyond(readSettings({ ...trial, DATABASE_URL: 'postgresql:///muster?host=/var/run/postgresql' })),
  ).toEqual([])
  const far = [
    ['HOST', { HOST: '0.0.0.0' }],
    ['HOST', { HOST: '' }],
    ['MUSTER_PUBLIC_URL', { MUSTER_PUBLIC_URL: 'http://localhost.evil.example' }],
    ['GITHUB_SERVER_URL', { GITHUB_SERVER_URL: 'https://github.com' }],
    ['DATABASE_URL', { DATABASE_URL: 'postgresql://u:p@db.internal/muster' }],
    ['REDIS_URL', { REDIS_URL: 'redis://127.0.0.1.evil.example' }],
    ['ANTHROPIC_BASE_URL', { ANTHROPIC_API_KEY: 'a-key-of-somebody' }],
  ] as const
  for (const [name, change] of far) expect(reachesBeyond(readSettings({ ...trial, ...change })), name).toContain(name)
})
