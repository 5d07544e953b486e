import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { unusedPort } from '../../rehearsal/stage.ts'
import { objectFiles } from '../../src/releases/local/objects/protocol.ts'
import { filesOf } from '../../src/releases/local/objects/runner.ts'
import { objects } from '../../src/releases/local/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Target } from '../../src/releases/types.ts'
import { startTick } from '../../src/telemetry/process.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'
import { TELLS_PROCESSES } from '../support/services.ts'
import { HAS_MINIFLARE, MINIFLARE, worker } from '../support/workers.ts'

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-objects-'))
const opened: Target[] = []
beforeAll(async () => {
  db = await embedded()
})
afterAll(async () => {
  for (const target of opened) await target.host?.close(true)
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const signal = new AbortController().signal
const COUNTER = {
  durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
  vars: { SHOP: 'cheese' },
}

/** Counts in an object; says which release the object is of, and which answered. */
const counter = (version: string, more = '') => `import { DurableObject, env as everywhere } from 'cloudflare:workers'
export class Counter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('create table if not exists n (at integer)')
  }
  add() {
    this.ctx.storage.sql.exec('insert into n values (1)')
    ${more === 'object' ? "throw new Error('the object is broken')" : ''}
    return { object: '${version}', n: this.ctx.storage.sql.exec('select count(*) as c from n').one().c, shop: everywhere.SHOP }
  }
  async alarmIn(ms) { await this.ctx.storage.setAlarm(Date.now() + ms) }
  alarm() { this.ctx.storage.sql.exec('insert into n values (100)') }
  fetch() {
    const [client, server] = Object.values(new WebSocketPair())
    server.accept()
    server.addEventListener('message', ({ data }) => server.send('${version} ' + data))
    return new Response(null, { status: 101, webSocket: client })
  }
}
export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    const stub = env.COUNTER.getByName(url.searchParams.get('of') ?? 'one')
    if (request.headers.get('upgrade')) return stub.fetch(request)
    if (url.pathname === '/') return new Response('ok')
    if (url.pathname === '/alarm') return new Response(await stub.alarmIn(50))
    ${more === 'entry' ? "await stub.add(); throw new Error('the entry is broken')" : ''}
    return Response.json({ ...(await stub.add()), entry: '${version}', key: env.PRICE_KEY, asked: request.headers.get('muster-release') })
  },
}`

async function scene(name: string) {
  const port = await unusedPort()
  const repository = `acme/${name}`
  const own = join(dir, name)
  const deps = targetDeps(db, own, {
    env: { ...MINIFLARE, MUSTER_DEPLOY_SECRETS: `${repository}:production:PRICE_KEY`, PRICE_KEY: 'k3y' },
  })
  const target = await objects.open(deps)
  opened.push(target)
  const settings = objects.settings.parse({ target: 'durable-objects', port, health: '/', secrets: ['PRICE_KEY'] })
  const environment = { repository, name: 'production', settings }
  const held = async () => ({
    environment,
    signal,
    mayAct: () => {},
    fence: await fenceOf(db, `env:${repository}:production`),
  })
  const url = `http://127.0.0.1:${port}`
  return {
    target,
    environment,
    held,
    url,
    files: filesOf(own, { repository, environment: 'production' }),
    apply: async (sha: string, files: Readonly<Record<string, string>>, percent?: number) =>
      target.apply({
        ...(await held()),
        releaseId: `${name}-${sha}`,
        taskId: 't',
        sha,
        percent,
        tools: async () => NO_TOOLS,
        unpack: async (to) => {
          for (const [file, text] of Object.entries(files)) writeFileSync(join(to, file), text)
        },
      }),
    weigh: async (sha: string, percent: number) =>
      target.weigh?.({ ...(await held()), releaseId: `${name}-${sha}`, percent }),
    restore: async (sha: string) => target.restore?.({ ...(await held()), releaseId: `${name}-${sha}` }),
    add: async (of: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${url}/add?of=${of}`, { headers })
      expect(answer.headers.get('muster-release')).toBeNull()
      return answer.ok ? ((await answer.json()) as Answer) : undefined
    },
  }
}

interface Answer {
  readonly object: string
  readonly entry: string
  readonly n: number
  readonly shop: string
  readonly key: string
  readonly asked: string | null
}

describe.skipIf(!HAS_MINIFLARE)('Workers with objects on this machine', () => {
  it('keeps what the objects have stored over releases, back and forth', async () => {
    const { apply, restore, add, target, environment } = await scene('kept')
    await apply('s1', worker(counter('v1'), COUNTER))
    expect(await add('a')).toEqual({ object: 'v1', entry: 'v1', n: 1, shop: 'cheese', key: 'k3y', asked: null })
    await apply('s2', worker(counter('v2'), COUNTER))
    expect(await add('a', { 'muster-release': 'kept-s1' })).toMatchObject({
      object: 'v2',
      entry: 'v2',
      n: 2,
      asked: null,
    })
    await apply('s3', worker(counter('v3'), COUNTER))
    expect(await add('a')).toMatchObject({ object: 'v3', n: 3 })
    await restore('s2')
    expect(await add('a')).toMatchObject({ object: 'v2', entry: 'v2', n: 4 })
    expect(await target.current(environment)).toBe('s2')
  }, 120_000)

  it('moves so many objects as are to be moved: each has one release, and one that has moved stays', async () => {
    const { apply, weigh, add, target, environment } = await scene('moved')
    const names = Array.from({ length: 40 }, (_, nth) => `o${nth}`)
    const all = async () => Promise.all(names.map((of) => add(of).then((answer) => answer?.object ?? '?')))
    const moved = (objects: readonly string[]) => names.filter((_, nth) => objects[nth] === 'v2')
    await apply('s1', worker(counter('v1'), COUNTER))
    await apply('s2', worker(counter('v2'), COUNTER), 30)
    const first = moved(await all())
    expect(first.length).toBeGreaterThan(3)
    expect(first.length).toBeLessThan(25)
    expect(moved(await all())).toEqual(first)
    await weigh('s2', 60)
    const then = moved(await all())
    expect(then.length).toBeGreaterThan(first.length)
    expect(first.every((one) => then.includes(one))).toBe(true)
    expect(
      await target.preflight?.({ environment, sha: 's3', signal, unpack: unpacked(worker(counter('v3'), COUNTER)) }),
    ).toEqual([`\`Counter\`: 40 objects, ${then.length} of which run \`s2\` and ${40 - then.length} \`s1\``])
    await weigh('s2', 100)
    expect(moved(await all())).toEqual(names)
  }, 120_000)

  it('counts a request for the release whose doing it is', async () => {
    const counted = async (broken: 'object' | 'entry') => {
      const { apply, add, target, environment } = await scene(`told-${broken}`)
      await apply('s1', worker(counter('v1'), COUNTER))
      await apply('s2', worker(counter('v2', broken), COUNTER), 40)
      const from = Date.now()
      for (let nth = 0; nth < 120; nth++) await add(`o${nth}`)
      const sum = async () => {
        const samples = await target.samples(environment, from - 1000, Date.now() + 5000)
        const of = (sha: string) => samples.filter((one) => one.sha === sha)
        const add = (sha: string, key: 'requests' | 'errors') => of(sha).reduce((all, one) => all + one[key], 0)
        return {
          old: add('s1', 'errors'),
          fresh: add('s2', 'errors'),
          all: add('s1', 'requests') + add('s2', 'requests'),
        }
      }
      await expect.poll(async () => (await sum()).all, { timeout: 20_000 }).toBe(120)
      return sum()
    }
    for (const broken of ['object', 'entry'] as const) {
      const { old, fresh } = await counted(broken)
      expect(old, broken).toBe(0)
      expect(fresh, broken).toBeGreaterThan(15)
    }
  }, 120_000)

  it('lets requests wait while it changes: none is lost, whatever changes', async () => {
    const { apply, weigh, restore, add } = await scene('held')
    await apply('s1', worker(counter('v1'), COUNTER))
    let isOver = false
    const lost: unknown[] = []
    let asked = 0
    const asking = Array.from({ length: 6 }, async (_, nth) => {
      for (; !isOver; asked++)
        await add(`o${nth}`).then(
          (answer) => answer ?? lost.push('failed'),
          (error: unknown) => lost.push(error),
        )
    })
    for (let nth = 2; nth <= 6; nth++) {
      await apply(`s${nth}`, worker(counter(`v${nth}`), COUNTER), 50)
      await weigh(`s${nth}`, 100)
      if (nth % 2 === 0) await restore(`s${nth - 1}`)
    }
    isOver = true
    await Promise.all(asking)
    expect(lost).toEqual([])
    expect(asked).toBeGreaterThan(100)
  }, 120_000)

  it.runIf(TELLS_PROCESSES)(
    'begins anew where it died, by itself, with one process that has the storage open',
    async () => {
      const { apply, add, target, files } = await scene('died')
      await target.host?.adopt()
      await apply('s1', worker(counter('v1'), COUNTER))
      expect(await add('a')).toMatchObject({ n: 1 })
      const runtime = () => Number(readFileSync(files.runtime, 'utf8'))
      const host = () => (JSON.parse(readFileSync(files.note, 'utf8')) as { pid: number }).pid
      // One that has ended may wait for somebody who takes note of that.
      const isAlive = (pid: number) =>
        startTick(pid) !== undefined && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
      const before = runtime()
      process.kill(host(), 'SIGKILL')
      await expect.poll(() => add('a').catch(() => undefined), { timeout: 30_000 }).toMatchObject({ object: 'v1' })
      expect([isAlive(before), isAlive(runtime())]).toEqual([false, true])
      process.kill(runtime(), 'SIGKILL')
      await expect.poll(() => add('a').catch(() => undefined), { timeout: 30_000 }).toMatchObject({ object: 'v1' })
      expect((await add('a'))?.n).toBe(4)
    },
    120_000,
  )

  it('passes connections on, and has alarms ring', async () => {
    const { apply, add, url } = await scene('connected')
    await apply('s1', worker(counter('v1'), COUNTER))
    const socket = new WebSocket(`${url.replace('http', 'ws')}/?of=a`)
    const answer = await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => socket.send('hello'))
      socket.on('message', (data: Buffer) => resolve(data.toString()))
    })
    socket.close()
    expect(answer).toBe('v1 hello')
    await fetch(`${url}/alarm?of=b`)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await add('b')).toMatchObject({ n: 2 })
  }, 60_000)

  it('knows a class by its storage, whatever it is called now', async () => {
    const { apply, add } = await scene('renamed')
    await apply('s1', worker(counter('v1'), COUNTER))
    await add('a')
    const renamed = {
      durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Tally' }] },
      migrations: [...COUNTER.migrations, { tag: 'v2', renamed_classes: [{ from: 'Counter', to: 'Tally' }] }],
    }
    await apply('s2', worker(counter('v2').replace('class Counter', 'class Tally'), renamed), 50)
    const answers = await Promise.all(Array.from({ length: 20 }, (_, nth) => add(`o${nth}`)))
    expect(new Set(answers.map((one) => one?.object))).toEqual(new Set(['v1', 'v2']))
    expect(await add('a')).toMatchObject({ n: 2 })
  }, 60_000)

  const REFUSED: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no file that describes it', { 'index.js': '' }, /no `wrangler.jsonc`/],
    ['one that is no JSON', { 'index.js': '', 'wrangler.jsonc': '{ "main": ' }, /is no JSON/],
    ['one without a date', { 'index.js': '', 'wrangler.json': '{ "main": "index.js" }' }, /compatibility_date/],
    [
      'what only Cloudflare has',
      worker('', { kv_namespaces: [{ binding: 'KV', id: 'x' }], triggers: { crons: ['* * * * *'] } }),
      /`kv_namespaces`, `triggers`/,
    ],
    ['a module that is TypeScript', worker('', { main: 'src/index.ts' }), /no JavaScript module/],
    ['a module that is not there', worker('', { main: 'dist/index.js' }), /no `dist\/index.js` once it is built/],
    [
      'a module that imports a package',
      worker("import x from 'left-pad'\nexport default { fetch: () => x }"),
      /does not take the Worker.*left-pad/,
    ],
    ['a class that it does not export', worker('export default {}', COUNTER), /exports no class Counter/],
    [
      'a class that no migration makes',
      worker(counter('v1'), { ...COUNTER, migrations: [] }),
      /no migration makes the class `Counter`/,
    ],
    [
      'an object of another Worker',
      worker('', { durable_objects: { bindings: [{ name: 'X', class_name: 'X', script_name: 'other' }] } }),
      /another Worker/,
    ],
    [
      'a storage of another kind',
      worker(counter('v9'), { ...COUNTER, migrations: [{ tag: 'v1', new_classes: ['Counter'] }] }),
      /another kind/,
    ],
    ['a module that does not end', worker('for (;;) {}'), /not come to its end/],
  ]

  it('says what is wrong with a Worker, and leaves what is live', async () => {
    const { apply, add, target, environment } = await scene('refused')
    await apply('s1', worker(counter('v1'), COUNTER))
    for (const [what, files, why] of REFUSED) {
      const sha = `bad-${what.replaceAll(/\W/g, '-')}`
      await expect(apply(sha, files), what).rejects.toThrow(why)
      expect(await target.current(environment), what).toBe('s1')
      expect(await add('a'), what).toMatchObject({ object: 'v1' })
    }
  }, 300_000)

  it('names its files by the environment alone', () => {
    const { folder } = filesOf('/data', { repository: 'acme/../x', environment: '../y' })
    expect(folder).toMatch(/^\/data\/objects\/[\da-f]{16}$/)
    expect(objectFiles('/f').store).toBe('/f/store')
  })
})

const unpacked = (files: Readonly<Record<string, string>>) => async (to: string) => {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(to, file), text)
}
