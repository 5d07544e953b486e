import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { objects } from '../../src/releases/local/module.ts'
import { filesOf } from '../../src/releases/local/objects/runner.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Target } from '../../src/releases/types.ts'
import { embedded, fenceOf, type TestDatabase } from './databases.ts'
import { targetDeps } from './local.ts'
import { MINIFLARE } from './workers.ts'

export const signal = new AbortController().signal
export const COUNTER = {
  durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
  migrations: [{ tag: 'v1', new_sqlite_classes: ['Counter'] }],
  vars: { SHOP: 'cheese' },
}

/** Counts in an object; says which release the object is of, and which answered. */
export const counter = (
  version: string,
  more = '',
) => `import { DurableObject, env as everywhere } from 'cloudflare:workers'
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

/** Environments of a file of tests, with a database of their own: all is ended and gone after it. */
export function objectScenes() {
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
  return (name: string, own: Readonly<Record<string, unknown>> = {}) => objectScene(name, db, dir, opened, own)
}

async function objectScene(
  name: string,
  db: TestDatabase,
  dir: string,
  opened: Target[],
  more: Readonly<Record<string, unknown>> = {},
) {
  const port = await unusedPort()
  const repository = `acme/${name}`
  const own = join(dir, name)
  const deps = targetDeps(db, own, {
    env: { ...MINIFLARE, MUSTER_DEPLOY_SECRETS: `${repository}:production:PRICE_KEY`, PRICE_KEY: 'k3y' },
  })
  const target = await objects.open(deps)
  opened.push(target)
  const settings = objects.settings.parse({
    target: 'durable-objects',
    port,
    health: '/',
    secrets: ['PRICE_KEY'],
    ...more,
  })
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
    releases: db.storage.store.releases,
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

export interface Answer {
  readonly object: string
  readonly entry: string
  readonly n: number
  readonly shop: string
  readonly key: string
  readonly asked: string | null
}

export const unpacked = (files: Readonly<Record<string, string>>) => async (to: string) => {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(to, file), text)
}
