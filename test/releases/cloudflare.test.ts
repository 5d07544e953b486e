import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { cloudflare as module } from '../../src/releases/cloudflare/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import { type Cloudflare, cloudflare } from '../support/cloudflare.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'
import { worker } from '../support/worker.ts'
import { HAS_WRANGLER, WRANGLER } from '../support/workers.ts'

let db: TestDatabase
let edge: Cloudflare
const dir = mkdtempSync(join(tmpdir(), 'muster-cloudflare-'))
beforeAll(async () => {
  db = await embedded()
})
afterAll(async () => {
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})
afterEach(() => edge.close())

const signal = new AbortController().signal
const FETCH = 'export default { fetch: () => new Response() }'
const shows = (what: string, more: object = {}) => worker(`// shows: ${what}\n${FETCH}`, more)
const OBJECTS = {
  durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
}

type Files = Readonly<Record<string, string | { readonly link: string }>>

async function scene(
  name: string,
  own: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
) {
  edge = await cloudflare()
  const repository = `acme/${name}`
  const deps = targetDeps(db, join(dir, name), {
    env: {
      ...WRANGLER,
      ...edge.env,
      MUSTER_DEPLOY_CLOUDFLARE: `${repository}:production=${edge.account}/shop`,
      MUSTER_DEPLOY_SECRETS: `${repository}:production:PRICE_KEY`,
      PRICE_KEY: 'k3y',
      ...env,
    },
    redact: (text) => text.replaceAll('hush', '***'),
  })
  const target = await module.open(deps)
  const settings = module.settings.parse({ target: 'cloudflare', url: edge.url, health_timeout: '2s', ...own })
  const environment = { repository, name: 'production', settings }
  const held = async () => ({
    environment,
    signal,
    mayAct: () => {},
    fence: await fenceOf(db, `env:${repository}:production`),
  })
  const unpack = (files: Files) => async (to: string) => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(to, file)), { recursive: true })
      if (typeof text === 'string') await writeFile(join(to, file), text)
      else symlinkSync(text.link, join(to, file))
    }
  }
  return {
    target,
    environment,
    seen: async () => (await fetch(edge.url)).text(),
    uploads: () => edge.workers.get('shop')?.versions ?? [],
    apply: async (sha: string, files: Files, more: { percent?: number; mayAct?: () => void } = {}) =>
      target.apply({
        ...(await held()),
        releaseId: `${name}-${sha}`,
        taskId: 't',
        sha,
        tools: async () => NO_TOOLS,
        unpack: unpack(files),
        ...more,
      }),
    preflight: (files: Files) => target.preflight?.({ environment, sha: 's', signal, unpack: unpack(files) }),
    restore: async (sha: string) => target.restore?.({ ...(await held()), releaseId: `${name}-${sha}` }),
  }
}

describe.skipIf(!HAS_WRANGLER)('a Worker on Cloudflare, by the real wrangler', () => {
  it('makes it at first, then gives each version its requests, and goes back without an upload', async () => {
    const { apply, seen, restore, target, environment, uploads, preflight } = await scene('first')
    expect(await preflight(shows('one'))).toEqual(['there is no Worker `shop` yet: it is made'])
    await apply('s1', shows('one', OBJECTS))
    expect(await preflight(shows('two', OBJECTS))).toEqual(['a new version of `shop`'])
    await apply('s2', shows('two', OBJECTS), { percent: 25 })
    expect(edge.workers.get('shop')?.given.map(({ percentage }) => percentage)).toEqual([25, 75])
    expect(await target.current(environment)).toBe('s2')
    await restore('s1')
    expect([await seen(), await target.current(environment), uploads().length]).toEqual(['one', 's1', 2])
  }, 120_000)

  it('changes what objects have stored at once, and says so before; not where a share is wanted', async () => {
    const { apply, preflight, uploads, target, environment } = await scene('moved')
    await apply('s1', shows('one', OBJECTS))
    const next = { ...OBJECTS, migrations: [...OBJECTS.migrations, { tag: 'v2', new_sqlite_classes: ['Cart'] }] }
    expect(await preflight(shows('two', next))).toEqual([
      'a new version of `shop`',
      'the migration `v2` of its objects, for all of them at once',
    ])
    await expect(apply('s2', shows('two', next), { percent: 10 })).rejects.toThrow('made for all of them at once')
    expect([await target.current(environment), uploads().length]).toEqual(['s1', 1])
    await apply('s3', shows('two', next))
    expect([await target.current(environment), edge.workers.get('shop')?.migration]).toEqual(['s3', 'v2'])
  }, 120_000)

  it('has live what was uploaded with everything at once, also where something after that was refused', async () => {
    const { apply, target, environment, seen } = await scene('rest')
    edge.refusesTheRest = true
    await apply('s1', shows('one', OBJECTS))
    expect([await seen(), await target.current(environment), (await target.observe('rest-s1')).state]).toEqual([
      'one',
      's1',
      'live',
    ])
  }, 60_000)

  it('gives the rest of the requests to what had them all, whatever was gone back to before', async () => {
    const { apply, restore } = await scene('stays')
    await apply('s1', shows('one'))
    await apply('s2', shows('two'), { percent: 25 })
    await restore('s1')
    await restore('s2')
    await apply('s3', shows('three'), { percent: 10 })
    const worker = edge.workers.get('shop')
    const given = worker?.given.map(({ version_id: id, percentage }) => [
      worker.versions.find((one) => one.id === id)?.shows,
      percentage,
    ])
    expect(given).toEqual([
      ['three', 10],
      ['two', 90],
    ])
  }, 60_000)

  it('asks Cloudflare which migration was made, whatever is live', async () => {
    const { apply, restore, preflight } = await scene('tags')
    const next = { ...OBJECTS, migrations: [...OBJECTS.migrations, { tag: 'v2', new_sqlite_classes: ['Cart'] }] }
    await apply('s1', shows('one', OBJECTS))
    await apply('s2', shows('two', next))
    await restore('s1')
    expect(await preflight(shows('three', { ...next, triggers: { crons: ['* * * * *'] } }))).toEqual([
      'a new version of `shop`',
      '`triggers` stay as they are there: `wrangler triggers deploy` changes them',
    ])
    await apply('s3', shows('three', next), { percent: 20 })
    await expect(
      apply(
        's4',
        worker(`// sick\n${FETCH}`, {
          ...next,
          migrations: [...next.migrations, { tag: 'v3', new_sqlite_classes: ['Bag'] }],
        }),
      ),
    ).rejects.toThrow('does not answer its health check; what was live before has its requests again')
  }, 60_000)

  it('asks a version by itself before anybody is sent there, and leaves what is live where it does not answer', async () => {
    const { apply, seen, target, environment } = await scene('sick')
    await apply('s1', shows('one'))
    await expect(apply('s2', worker(`// sick\n${FETCH}`))).rejects.toThrow('not healthy within 2 s')
    expect([await seen(), await target.current(environment)]).toEqual(['one', 's1'])
    expect(edge.workers.get('shop')?.given).toHaveLength(1)
  }, 120_000)

  it('uploads a version once, whoever ends in between', async () => {
    const { apply, uploads, target, environment } = await scene('once')
    await apply('s1', shows('one'))
    let nth = 0
    const ends = () => {
      if (++nth > 1) throw new Error('the process has ended')
    }
    await expect(apply('s2', shows('two'), { mayAct: ends })).rejects.toThrow('has ended')
    const row = await db.storage.store.releases.get('once-s2')
    if (!row) throw new Error('no row')
    // As it was before it was written down which version that is.
    const { version: _, ...command } = row.command
    await db.storage.store.releases.save({ ...row, status: 'building', command })
    await apply('s2', shows('two'))
    expect([uploads().length, await target.current(environment)]).toEqual([2, 's2'])
  }, 120_000)

  it('gives a Worker its variables and secrets, and shows no value', async () => {
    const { apply, uploads } = await scene('told', { env: { SHOP: 'cheese' }, secrets: ['PRICE_KEY'] })
    await apply('s1', shows('one', { vars: { CURRENCY: 'EUR' } }))
    const [version] = uploads()
    if (!version) throw new Error('nothing was uploaded')
    const { bindings } = version.metadata as { bindings: { name: string; type: string; text: string }[] }
    expect(bindings.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'CURRENCY', type: 'plain_text', text: 'EUR' },
      { name: 'PRICE_KEY', type: 'secret_text', text: 'k3y' },
      { name: 'SHOP', type: 'plain_text', text: 'cheese' },
    ])
  }, 60_000)

  it('runs nothing that a description says, and uploads no file of the machine', async () => {
    const { apply, uploads, target, environment } = await scene('hostile', { main: 'dist/index.js' })
    const mark = join(dir, 'ran')
    const module = { 'dist/index.js': `// shows: one\n${FETCH}` }
    const described = (more: object) => ({
      ...module,
      'wrangler.json': JSON.stringify({ name: 'other', compatibility_date: '2026-04-01', ...more }),
    })
    await apply(
      's1',
      described({ account_id: 'b'.repeat(32), build: { command: `touch ${mark}` }, main: 'src/index.ts' }),
    )
    expect([...edge.workers.keys()]).toEqual(['shop'])
    const secret = join(dir, 'secret.txt')
    const linked = mkdtempSync(join(dir, 'linked-'))
    writeFileSync(join(linked, 'index.js'), FETCH)
    writeFileSync(secret, 'hush')
    const hostile: readonly (readonly [Files, RegExp])[] = [
      [described({ containers: [{ image: './Dockerfile' }] }), /says `containers`/],
      [described({ site: { bucket: '/etc' } }), /says `site`/],
      [described({ text_blobs: { X: secret } }), /says `text_blobs`/],
      [described({ assets: { directory: '../../..' } }), /assets.directory/],
      [{ ...described({}), 'dist/x.txt': { link: secret } }, /`x.txt` beside the module is a link/],
      [{ ...described({ assets: { directory: 'public' } }), 'public/x.txt': { link: secret } }, /is a link/],
      [{ 'wrangler.json': { link: secret }, ...module }, /is a link that leads out/],
      [
        { ...described({ assets: { directory: 'public' } }), public: { link: dir } },
        /`public` is a link that leads out/,
      ],
      [
        { 'wrangler.json': described({})['wrangler.json'] ?? '', dist: { link: linked } },
        /`dist` is a link that leads out/,
      ],
    ]
    for (const [nth, [files, why]] of hostile.entries())
      await expect(apply(`h${nth}`, files), String(why)).rejects.toThrow(why)
    expect([await target.current(environment), uploads().length]).toEqual(['s1', 1])
    expect(() => rmSync(mark)).toThrow()
  }, 120_000)

  it('says what is missing, and what Cloudflare refuses', async () => {
    const { apply, target, environment, preflight } = await scene('refused', { section: 'staging' })
    await expect(preflight(shows('one'))).rejects.toThrow('`env` has no `staging`')
    await expect(apply('s1', worker(`// broken\n${FETCH}`, { env: { staging: {} } }))).rejects.toThrow(
      'Uncaught Error: *** at index.js:1',
    )
    expect(await target.current(environment)).toBeUndefined()
    const nobody = await scene('nobody', {}, { CLOUDFLARE_API_TOKEN: '' })
    await expect(nobody.preflight(shows('one'))).rejects.toThrow('Nobody has set how `production` is deployed')
    const elsewhere = await scene('elsewhere', {}, { MUSTER_DEPLOY_CLOUDFLARE: '' })
    await expect(elsewhere.preflight(shows('one'))).rejects.toThrow('Nobody has set where `production`')
    const wrong = await scene('wrong', {}, { CLOUDFLARE_API_TOKEN: 'other' })
    await expect(wrong.preflight(shows('one'))).rejects.toThrow('Authentication error (10000)')
    const down = await scene('down', {}, { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' })
    await expect(down.preflight(shows('one'))).rejects.toThrow('cannot be reached')
  }, 120_000)
})
