import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { startTick } from '../../src/telemetry/process.ts'
import { COUNTER, counter, objectScenes } from '../support/objects.ts'
import { TELLS_PROCESSES } from '../support/services.ts'
import { worker } from '../support/worker.ts'
import { HAS_MINIFLARE } from '../support/workers.ts'

const scene = objectScenes()

describe.skipIf(!HAS_MINIFLARE)('Workers that fail, and processes that end', () => {
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

  /** Its health is that of an object; where `fails` holds, that throws. */
  const sickly = (version: string, fails: string) => `import { DurableObject } from 'cloudflare:workers'
export class Counter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('create table if not exists n (at integer)')
  }
  ping() {
    const { c } = this.ctx.storage.sql.exec('select count(*) as c from n').one()
    if (${fails}) throw new Error('sick')
    this.ctx.storage.sql.exec('insert into n values (1)')
    return '${version}'
  }
}
export default { fetch: async (request, env) => new Response(await env.COUNTER.getByName('health').ping()) }`

  it('asks a release for its health with its own objects, before they are let to what is stored', async () => {
    const { apply, restore, url } = await scene('sick', { health_timeout: '8s' })
    const seen = async () => (await fetch(url)).text()
    await apply('s1', worker(sickly('v1', 'false'), COUNTER))
    expect(await seen()).toBe('v1')
    await expect(apply('s2', worker(sickly('v2', 'true'), COUNTER))).rejects.toThrow('not healthy within 8 s')
    expect(await seen()).toBe('v1')
    // It works with nothing stored, and not with what there is: what was live comes back, and what mends it goes live.
    await apply('s3', worker(sickly('v3', 'c > 0'), COUNTER))
    expect(await seen()).toBe('the service failed\n')
    await restore('s1')
    expect(await seen()).toBe('v1')
    await apply('s4', worker(sickly('v4', 'c > 0'), COUNTER))
    await apply('s5', worker(sickly('v5', 'false'), COUNTER))
    expect(await seen()).toBe('v5')
  }, 120_000)

  it('gives two releases that share objects what each has alone, whatever its date', async () => {
    const module = (version: string) => `import { DurableObject } from 'cloudflare:workers'
export class Counter extends DurableObject {
  get version() { return '${version}' }
  named(stub) { return stub.id.name ?? 'unnamed' }
}
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === '/') return new Response('ok')
    const stub = env.COUNTER.get(env.COUNTER.idFromName('one'))
    return new Response(typeof (await stub.version) + ' ' + (await stub.named(env.COUNTER.get(env.COUNTER.idFromName('two')))))
  },
}`
    const { apply, url } = await scene('alike')
    const seen = async () => (await fetch(`${url}/x`)).text()
    await apply('s1', worker(module('v1'), COUNTER))
    const alone = await seen()
    await apply('s2', worker(module('v2'), COUNTER), 50)
    for (let nth = 0; nth < 10; nth++) expect(await seen()).toBe(alone)
    const old = `export class Counter { constructor(state) { this.state = state } fetch() { return new Response('old') } }
export default { fetch: (request, env) => env.COUNTER.get(env.COUNTER.idFromName('one')).fetch(request) }`
    const before = await scene('old')
    await before.apply('s1', worker(old, { ...COUNTER, compatibility_date: '2023-03-01' }))
    expect(await (await fetch(before.url)).text()).toBe('old')
  }, 60_000)

  it.runIf(TELLS_PROCESSES)(
    'ends no process that is somebody else by now, and is found where it listens',
    async () => {
      const { apply, add, target, files, releases } = await scene('others')
      const victim = spawn('sleep', ['300'])
      const ended = new Promise((resolve) => victim.once('exit', () => resolve(true)))
      mkdirSync(files.folder, { recursive: true })
      writeFileSync(files.runtime, `${victim.pid}`)
      await expect(apply('s1', worker('throw new Error("no")', COUNTER))).rejects.toThrow('does not take the Worker')
      await apply('s2', worker(counter('v2'), COUNTER))
      expect(await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve(false), 500))])).toBe(false)
      victim.kill()
      // A process that ended between a start and writing down where that is left another port.
      const row = await releases.get('others-s2')
      if (!row) throw new Error('no row')
      await releases.save({ ...row, port: await unusedPort() })
      await target.host?.adopt()
      await expect.poll(() => add('a').catch(() => undefined), { timeout: 30_000 }).toMatchObject({ object: 'v2' })
    },
    120_000,
  )

  it.runIf(TELLS_PROCESSES)(
    'has objects run what they ran, where everything begins anew with a share',
    async () => {
      const { apply, add, target, files } = await scene('anew')
      await target.host?.adopt()
      await apply('s1', worker(counter('v1'), COUNTER))
      await apply('s2', worker(counter('v2'), COUNTER), 30)
      const names = Array.from({ length: 20 }, (_, nth) => `o${nth}`)
      const all = () =>
        Promise.all(
          names.map((of) =>
            add(of).then(
              (answer) => answer?.object ?? '?',
              () => '?',
            ),
          ),
        )
      const before = await all()
      process.kill((JSON.parse(readFileSync(files.note, 'utf8')) as { pid: number }).pid, 'SIGKILL')
      for (let nth = 0; nth < 200; nth++) {
        const now = await all()
        // Nobody, or whoever it was before.
        expect(now.filter((one, at) => one !== '?' && one !== before[at])).toEqual([])
        if (!now.includes('?')) return
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
      throw new Error('it does not come back')
    },
    180_000,
  )
})
