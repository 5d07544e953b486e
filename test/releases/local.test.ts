import { createServer } from 'node:net'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import type { LocalTarget } from '../../src/releases/local/target.ts'
import { figuresOf, NO_TRAFFIC, tallied } from '../../src/core/traffic.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Environment } from '../../src/releases/types.ts'
import { runs } from '../support/amount.ts'
import { localTarget, productionAt } from '../support/local.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'

let db: TestDatabase
let dir = ''
let target: LocalTarget
let environment: Environment
const make = () => localTarget(db, dir, { redact: (text) => text.replaceAll('hush', '***') })

beforeAll(async () => {
  db = await embedded()
  dir = mkdtempSync(join(tmpdir(), 'muster-release-'))
  target = make()
  environment = productionAt(await unusedPort(), { env: { GREETING: 'hi' } })
})
afterAll(async () => {
  await target.host.close(true)
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const SERVER = (answer: string) => `import { createServer } from 'node:http'
console.log('started with hush')
createServer((request, response) => {
  if (request.url === '/fail') return response.writeHead(500).end('no')
  if (request.url === '/hang') return
  if (request.url === '/cut') return response.writeHead(200, { 'content-length': '99' }).write('x', () => request.socket.destroy())
  if (request.url === '/slow') return setTimeout(() => response.end('slow ${answer}'), 700)
  if (request.url === '/die') process.exit(1)
  response.end(request.url === '/healthz' ? 'ok' : '${answer} ' + process.env.GREETING + ' ' + (process.env.PRIVATE_KEY ?? 'no key'))
}).listen(Number(process.env.PORT))`

async function deploy(
  id: string,
  files: Record<string, string>,
  settings: Partial<Environment['settings']> = {},
): Promise<void> {
  await target.apply({
    environment: { ...environment, settings: { ...environment.settings, ...settings } },
    releaseId: id,
    taskId: 't',
    sha: `sha-${id}`,
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: async () => NO_TOOLS,
    unpack: (to) => {
      mkdirSync(to, { recursive: true })
      for (const [name, text] of Object.entries(files)) writeFileSync(join(to, name), text)
      return Promise.resolve()
    },
  })
}
const get = async (path = '/') =>
  (await fetch(`http://127.0.0.1:${String(environment.settings['port'])}${path}`)).text()

it('serves a release behind the proxy, with an environment of its own', async () => {
  process.env['PRIVATE_KEY'] = 'of the host'
  await deploy('r1', { 'server.mjs': SERVER('one') })
  delete process.env['PRIVATE_KEY']
  expect(await get()).toBe('one hi no key')
  expect(await target.current(environment)).toBe('sha-r1')
  expect(await target.probe(environment)).toBe(true)
  expect(await target.log('r1')).toBe('started with ***\n')
})

it('switches without dropping a request that is under way', async () => {
  const slow = get('/slow')
  await new Promise((done) => setTimeout(done, 100))
  await deploy(
    'r2',
    { 'server.mjs': SERVER('two'), 'build.mjs': "import { writeFileSync } from 'node:fs'; writeFileSync('built', '')" },
    { build: 'node build.mjs' },
  )
  expect(await slow).toBe('slow one')
  expect(await get()).toBe('two hi no key')
  expect(await target.observe('r1')).toEqual({ state: 'live', since: expect.any(Number) })
})

it.each([
  [
    'ends right away',
    { 'server.mjs': 'console.error("boom"); process.exit(3)' },
    {},
    'ended right after its start',
    'boom',
  ],
  [
    'never gets healthy',
    {
      'server.mjs':
        "import { createServer } from 'node:http'; createServer((q, s) => s.writeHead(503).end()).listen(process.env.PORT)",
    },
    { healthTimeoutSeconds: 1 },
    'not healthy within 1 s',
    '',
  ],
  [
    'does not build',
    { 'server.mjs': SERVER('x') },
    { build: 'echo compile error; exit 2' },
    'The build failed (exit code 2)',
    'compile error',
  ],
])('a release that %s leaves the old one serving, and tells why', async (name, files, settings, message, log) => {
  await expect(deploy(`bad-${name.length}`, files, settings)).rejects.toThrow(message)
  expect(await get()).toBe('two hi no key')
  expect(await target.observe(`bad-${name.length}`)).toMatchObject({
    state: 'failed',
    error: expect.stringContaining(message),
  })
  expect(await target.log(`bad-${name.length}`)).toContain(log)
})

it('counts requests, errors and latency', async () => {
  for (let n = 0; n < 5; n++) await get()
  await get('/fail')
  const sum = async () =>
    (await db.storage.store.releases.samples('acme/x', 'production', new Date(0), new Date(Date.now() + 5000))).reduce(
      (all, one) => ({ requests: all.requests + one.requests, errors: all.errors + one.errors }),
      { requests: 0, errors: 0 },
    )
  await expect.poll(async () => (await sum()).errors).toBe(1)
  expect((await sum()).requests).toBeGreaterThanOrEqual(6)
})

it('counts what hangs, breaks off or cannot be reached as failed, each by its kind', async () => {
  const from = Math.floor(Date.now() / 1000) * 1000
  const ask = (path: string, ms: number) =>
    fetch(`http://127.0.0.1:${String(environment.settings['port'])}${path}`, { signal: AbortSignal.timeout(ms) })
      .then((response) => response.text())
      .catch(() => '')
  await Promise.all(Array.from({ length: 20 }, () => ask('/hang', 150)))
  await Promise.all(Array.from({ length: 3 }, () => ask('/cut', 5000)))
  // Somebody who leaves in the middle of an answer is nobody's fault.
  const counted = async () =>
    figuresOf(tallied(NO_TRAFFIC, await target.samples(environment, from, Date.now() + 5000)), 1)
  await expect.poll(async () => (await counted()).errors).toBe(23)
  expect(await counted()).toMatchObject({ requests: 23, failures: { unanswered: 20, cut: 3 } })
  const samples = await target.samples(environment, from, Date.now() + 5000)
  expect(new Set(samples.map(({ sha }) => sha))).toEqual(new Set(['sha-r2']))
})

it('says what it serves, whatever is written down', async () => {
  const { releases } = db.storage.store
  const row = await releases.get('r2')
  if (!row) throw new Error('r2 is not there')
  // Somebody has put a row of an old backup in.
  await releases.save({ ...row, id: 'r-other', sha: 'sha-other', liveAt: new Date(Date.now() + 60_000) })
  expect(await target.current(environment)).toBe('sha-r2')
  await releases.save({ ...row, id: 'r-other', sha: 'sha-other', status: 'retired', liveAt: undefined })
})

it('keeps what can be gone back to, however many releases fail', async () => {
  for (let nth = 0; nth < 6; nth++)
    await expect(deploy(`failed-${nth}`, { 'server.mjs': 'process.exit(3)' })).rejects.toThrow('ended right after')
  await deploy('r3', { 'server.mjs': SERVER('three') })
  expect(await get()).toBe('three hi no key')
  const kept = readdirSync(join(dir, 'releases')).toSorted()
  expect(kept).toEqual(expect.arrayContaining(['r1', 'r2', 'r3', 'failed-5']))
  expect(kept).not.toContain('failed-0')
  await deploy('r4', { 'server.mjs': SERVER('two') })
})

it('switches and goes back under load without a failed request; going back takes a moment', async () => {
  let [asked, failed, isOver] = [0, 0, false]
  const customer = async () => {
    while (!isOver) {
      asked++
      const answer = await fetch(`http://127.0.0.1:${String(environment.settings['port'])}/`).catch(() => undefined)
      await answer?.arrayBuffer()
      if (answer?.status !== 200) failed++
    }
  }
  const customers = Array.from({ length: 4 }, customer)
  const rounds = runs(20, 6)
  for (let round = 0; round < rounds; round++) {
    await deploy(`load-${round}`, { 'server.mjs': SERVER(`load ${round}`) })
    const [kept] = await target.restorable(environment)
    await target.restore({
      environment,
      releaseId: kept?.releaseId ?? '',
      signal: new AbortController().signal,
      mayAct: () => {},
      fence: await fenceOf(db, 'env:acme/x:production'),
    })
    expect(await get()).toBe('two hi no key')
  }
  isOver = true
  await Promise.all(customers)
  expect([failed, asked > 100]).toEqual([0, true])
}, 300_000)

it('is not led back to a release that was taken back, though that is being started again at that moment', async () => {
  // Ends when it is asked to, after a while; begins anew, after a while: what the supervisor sees of a crash.
  const slow = `import { createServer } from 'node:http'
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 1500))
const since = Date.now()
createServer((request, response) => {
  if (request.url === '/die') process.exit(1)
  if (request.url === '/healthz' && Date.now() - since < 1500) return response.writeHead(503).end()
  response.end('crashing')
}).listen(Number(process.env.PORT))`
  await deploy('crashing', { 'server.mjs': slow })
  await target.host.adopt()
  await get('/die').catch(() => '')
  // The supervisor looks every two seconds, and the start takes one and a half.
  await new Promise((done) => setTimeout(done, 2300))
  const [kept] = await target.restorable(environment)
  await target.restore({
    environment,
    releaseId: kept?.releaseId ?? '',
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
  })
  const seen = new Set<string>()
  for (let nth = 0; nth < 40; nth++) {
    seen.add(await get().catch(() => 'nothing'))
    await new Promise((done) => setTimeout(done, 100))
  }
  expect([...seen]).toEqual(['two hi no key'])
  const rows = await db.storage.store.releases.list('acme/x', 'production')
  expect(rows.filter(({ status }) => status === 'live').map(({ id }) => id)).toEqual(['r4'])
})

it('is found again after a restart, and a release that died is started again', async () => {
  await target.host.close(false)
  target = make()
  await target.host.adopt()
  await expect.poll(() => get().catch(() => '')).toBe('two hi no key')
  await get('/die').catch(() => '')
  await expect.poll(() => get().catch(() => '')).toBe('two hi no key')
})

it('says so when the port belongs to somebody else, and leaves what serves', async () => {
  const other = createServer()
  await new Promise<void>((opened) => void other.listen(0, '127.0.0.1', opened))
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(deploy('taken', { 'server.mjs': SERVER('x') }, { port })).rejects.toThrow(
    `The port ${port} of this environment cannot be opened.`,
  )
  expect(await get()).toBe('two hi no key')
  expect(await target.current(environment)).toBe('sha-r4')
  await new Promise((closed) => other.close(closed))
})
