import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { objectFiles } from '../../src/releases/local/objects/protocol.ts'
import { filesOf } from '../../src/releases/local/objects/runner.ts'
import { COUNTER, counter, objectScenes, signal, unpacked } from '../support/objects.ts'
import { worker } from '../support/worker.ts'
import { HAS_MINIFLARE } from '../support/workers.ts'

const scene = objectScenes()

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
    const { apply, add, target, environment } = await scene('refused', { health_timeout: '8s' })
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
