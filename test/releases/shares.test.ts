import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { processesIn, TELLS_PROCESSES } from '../support/services.ts'
import { localTarget, productionAt } from '../support/local.ts'

/** Two releases that serve side by side, and what happens to one of them meanwhile. */

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-shares-'))
beforeAll(async () => {
  db = await embedded()
})
afterAll(async () => {
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const signal = new AbortController().signal
const server = (answer: string) => `import { createServer } from 'node:http'
import { existsSync } from 'node:fs'
setTimeout(() => createServer((request, response) => {
  if (request.url === '/die') process.exit(1)
  if (request.url === '/long') return void setTimeout(() => response.end('${answer}'), 3000)
  response.end('${answer} ' + (process.env.PRICE_KEY ?? ''))
}).listen(Number(process.env.PORT)), existsSync('slow') ? 3000 : 0)`

async function scene(name: string, now = () => Date.now()) {
  const port = await unusedPort()
  const repository = `acme/${name}`
  const secrets = { MUSTER_DEPLOY_SECRETS: `${repository}:production:PRICE_KEY`, PRICE_KEY: 'k3y' }
  const target = localTarget(db, join(dir, name), { now, env: secrets })
  const environment = { ...productionAt(port, { health: '/', secrets: ['PRICE_KEY'] }), repository }
  const held = async () => ({
    environment,
    signal,
    mayAct: () => {},
    fence: await fenceOf(db, `env:${repository}:production`),
  })
  const row = async (sha: string) => {
    const found = (await db.storage.store.releases.list(repository, 'production')).find((one) => one.sha === sha)
    if (!found) throw new Error(`no ${sha}`)
    return found
  }
  return {
    target,
    held,
    row,
    port,
    apply: async (sha: string, percent?: number) =>
      target.apply({
        ...(await held()),
        releaseId: `${name}-${sha}`,
        taskId: 't',
        sha,
        percent,
        tools: async () => NO_TOOLS,
        unpack: async (to) => writeFileSync(join(to, 'server.mjs'), server(sha)),
      }),
    /** How many of so many are answered by whom. */
    seen: async (many: number) => {
      const all: Record<string, number> = {}
      for (let nth = 0; nth < many; nth++) {
        const answer = await fetch(`http://127.0.0.1:${port}/`).then((one) => one.text())
        all[answer] = (all[answer] ?? 0) + 1
      }
      return all
    },
    isUp: async (sha: string) =>
      fetch(`http://127.0.0.1:${(await row(sha)).port}/`).then(
        ({ ok }) => ok,
        () => false,
      ),
  }
}

it('gives both what the operator lets them have', async () => {
  const s = await scene('secret')
  await s.apply('good')
  await s.apply('next', 50)
  expect(Object.keys(await s.seen(60)).toSorted()).toEqual(['good k3y', 'next k3y'])
  await s.target.host.close(true)
})

it('starts the one that has the rest again where it died', async () => {
  const s = await scene('died')
  await s.apply('good')
  await s.apply('next', 50)
  await s.target.host.adopt()
  await fetch(`http://127.0.0.1:${(await s.row('good')).port}/die`).catch(() => {})
  await expect.poll(() => s.isUp('good')).toBe(true)
  await expect.poll(async () => (await s.seen(60))['good k3y'] ?? 0).toBeGreaterThan(5)
  await s.target.host.close(true)
})

it.runIf(TELLS_PROCESSES)(
  'goes back to the one that has the rest while that is being started again, and leaves no second of it',
  async () => {
    const s = await scene('race')
    await s.apply('good')
    await s.apply('next', 50)
    const { port, dir: folder } = await s.row('good')
    // It takes a while to start, so that both come at it.
    writeFileSync(join(folder, 'slow'), '')
    await fetch(`http://127.0.0.1:${port}/die`).catch(() => {})
    await expect.poll(() => processesIn(folder)).toEqual([])
    await s.target.host.adopt().catch(() => {})
    await s.target.restore({ ...(await s.held()), releaseId: 'race-good' })
    expect(await s.seen(20)).toEqual({ 'good k3y': 20 })
    expect(processesIn(folder)).toHaveLength(1)
    await s.target.host.close(true)
    expect(processesIn(folder)).toEqual([])
  },
)

it('keeps the one before warm for an hour from when it has nothing any more, however long both served', async () => {
  let off = 0
  const s = await scene('hour', () => Date.now() + off)
  await s.apply('good')
  await s.apply('next', 50)
  off = 3_700_000
  await s.target.host.adopt()
  const long = Array.from({ length: 12 }, () => fetch(`http://127.0.0.1:${s.port}/long`).then(({ status }) => status))
  await new Promise((done) => setTimeout(done, 300))
  await s.target.weigh({ ...(await s.held()), releaseId: 'hour-next', percent: 100 })
  expect(await Promise.all(long)).toEqual(long.map(() => 200))
  await new Promise((done) => setTimeout(done, 2500))
  expect([await s.isUp('good'), await s.seen(10)]).toEqual([true, { 'next k3y': 10 }])
  off = 7_500_000
  await expect.poll(() => s.isUp('good')).toBe(false)
  await s.target.host.close(true)
})

it('puts nothing beside what has a share itself', async () => {
  const s = await scene('third')
  await s.apply('good')
  await s.apply('bad', 30)
  await s.apply('mend', 30)
  expect(Object.keys(await s.seen(80)).toSorted()).toEqual(['good k3y', 'mend k3y'])
  await s.target.host.close(true)
})
