import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LABEL, makeNodeImage, NODE_IMAGE, removeImages } from '../../rehearsal/releases/containers.ts'
import { unusedPort } from '../../rehearsal/stage.ts'
import { findEngine } from '../../src/workspace/container.ts'
import { runs } from '../support/amount.ts'
import { hasPostgres, server, type TestDatabase } from '../support/databases.ts'
import { ENGINE, useEngine } from '../support/engine.ts'
import { HAS_HOST, host, NO_HOST } from '../support/host.ts'
import { killedAfter } from '../support/killed.ts'
import { processesIn, TELLS_PROCESSES } from '../support/services.ts'
import { onStage, type Stage } from '../support/sharing.ts'
import { cloudflare } from '../support/cloudflare.ts'
import { HAS_MINIFLARE, HAS_WRANGLER, MINIFLARE, WRANGLER } from '../support/workers.ts'

const ROUNDS = runs(100, 3)
const IMAGE = {
  Dockerfile: `FROM ${NODE_IMAGE}\nLABEL ${LABEL}\nCOPY server.mjs /\nCMD ["node", "/server.mjs"]\n`,
}

describe.skipIf(!(await hasPostgres()))('a deploy with shares, killed in the middle', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-killed-'))
  let db: TestDatabase
  let web = NO_HOST
  beforeAll(async () => {
    db = await server()
    if (!HAS_HOST) return
    useEngine(dir)
    makeNodeImage(ENGINE ?? '')
    web = await host()
  })
  afterAll(async () => {
    await db.drop()
    await web.close()
    if (ENGINE) await removeImages(findEngine(ENGINE))
    rmSync(dir, { recursive: true, force: true })
  })

  /** What is live is the next one's to begin with no more. */
  async function forgotten(): Promise<void> {
    for (const row of await db.storage.store.releases.allLive())
      await db.storage.store.releases.save({ ...row, status: 'retired' })
  }

  async function seenAt(url: string): Promise<ReadonlySet<string>> {
    const seen = await Promise.all(Array.from({ length: 60 }, () => fetch(url).then((answer) => answer.text())))
    return new Set(seen)
  }

  /** Where Muster serves: one is live, told truly, and has the share that is written down. @param also what else is so after each round */
  async function servedHere(first: number, stage: Stage, longest: number, also = () => {}): Promise<void> {
    for (let round = first; round < first + ROUNDS; round++) {
      await killedAfter(300 + Math.random() * longest, round, stage, db, dir)
      const { target, environment } = await onStage(stage, db, dir)
      await target.host?.adopt()
      const live = await db.storage.store.releases.allLive()
      expect(live.length, `round ${round}`).toBeLessThanOrEqual(1)
      const [one] = live
      if (one) {
        const beside = one.command.share && (await db.storage.store.releases.get(one.command.share.beside))
        await expect.poll(() => target.current(environment)).toBe(one.sha)
        const seen = await seenAt(target.url(environment))
        expect(seen, `round ${round}`).toEqual(new Set([one.sha, ...(beside ? [beside.sha] : [])]))
        also()
      }
      await target.host?.close(round === first + ROUNDS - 1)
    }
    await forgotten()
  }

  it('leaves one live, told truly, with its share as it is written, and no other service', async () => {
    const settings = { port: await unusedPort(), health: '/', start: 'node server.mjs' }
    // What serves, and the one before it.
    const few = () => expect(TELLS_PROCESSES ? processesIn(join(dir, 'releases')).length : 0).toBeLessThanOrEqual(2)
    await servedHere(1, { target: 'local-process', settings, env: {}, files: {} }, 2000, few)
  }, 1_800_000)

  it.runIf(HAS_MINIFLARE)(
    'leaves one live of the Workers, with one process that has their storage open',
    async () => {
      const settings = { port: await unusedPort(), health: '/' }
      await servedHere(2001, { target: 'durable-objects', settings, env: MINIFLARE, files: {} }, 3500)
    },
    1_800_000,
  )

  it.runIf(ENGINE)(
    'leaves one live of the containers',
    async () => {
      useEngine(dir)
      makeNodeImage(ENGINE ?? '')
      const settings = { port: await unusedPort(), health: '/', health_timeout: '60s' }
      const env = { MUSTER_CONTAINERS: ENGINE ?? '', MUSTER_DEPLOY_IMAGES: 'acme/x=localhost/' }
      await servedHere(3001, { target: 'container', settings, env, files: IMAGE }, 5000)
    },
    1_800_000,
  )

  it.runIf(HAS_WRANGLER)(
    'leaves Cloudflare with versions that are known, and says which is live',
    async () => {
      const edge = await cloudflare()
      const stage: Stage = {
        target: 'cloudflare',
        settings: { url: edge.url, health_timeout: '10s' },
        env: { ...WRANGLER, ...edge.env, MUSTER_DEPLOY_CLOUDFLARE: `acme/x:production=${edge.account}/shop` },
        files: {},
      }
      for (let round = 4001; round < 4001 + ROUNDS; round++) {
        await killedAfter(500 + Math.random() * 8000, round, stage, db, dir)
        const { target, environment } = await onStage(stage, db, dir)
        expect((await db.storage.store.releases.allLive()).length, `round ${round}`).toBeLessThanOrEqual(1)
        const current = await target.current(environment)
        if (current === undefined) continue
        const seen = await seenAt(edge.url)
        expect(seen.size, `round ${round}: ${[...seen].join()}`).toBeLessThanOrEqual(2)
        const known = (await db.storage.store.releases.list('acme/x', 'production')).map(({ sha }) => sha)
        expect([...seen, current].filter((sha) => !known.includes(sha))).toEqual([])
      }
      const made = edge.workers.get('shop')?.versions.map(({ message }) => message) ?? []
      expect(new Set(made).size).toBe(made.length)
      await edge.close()
      await forgotten()
    },
    1_800_000,
  )

  it.runIf(HAS_HOST)(
    'leaves one live on a host that is reached by SSH, told truly by whoever comes next',
    async () => {
      const stage: Stage = {
        target: 'ssh-haproxy',
        settings: { url: web.url, health: '/' },
        env: {
          ...web.env,
          MUSTER_DEPLOY_HOSTS: `acme/x:production=web1/${web.backend}`,
          MUSTER_DEPLOY_IMAGES: 'acme/x=localhost/',
        },
        files: IMAGE,
      }
      for (let round = 1001; round <= 1000 + ROUNDS; round++) {
        await killedAfter(500 + Math.random() * 5000, round, stage, db, dir)
        const { target, environment } = await onStage(stage, db, dir)
        const { store } = db.storage
        const live = await store.releases.allLive()
        expect(live.length, `round ${round}`).toBeLessThanOrEqual(1)
        const current = await target.current(environment)
        if (current !== undefined) {
          const seen = await seenAt(target.url(environment))
          // What serves, and, where both are given requests, one more: whatever else was written down.
          expect([seen.has(current), seen.size <= 2], `round ${round}: ${[...seen].join()}`).toEqual([true, true])
          const known = (await store.releases.list('acme/x', 'production')).filter(({ sha }) => seen.has(sha))
          expect(known.length, `round ${round}`).toBe(seen.size)
        } else expect(live, `round ${round}`).toEqual([])
        await target.host?.close(false)
      }
    },
    1_800_000,
  )
})
