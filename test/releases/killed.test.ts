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
import { HAS_MINIFLARE, MINIFLARE } from '../support/workers.ts'

const ROUNDS = runs(100, 5)

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
    if (HAS_HOST) await removeImages(findEngine(ENGINE))
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

  it('leaves one live, told truly, with its share as it is written, and no other service', async () => {
    const port = await unusedPort()
    const settings = { port, health: '/', start: 'node server.mjs' }
    const stage: Stage = { target: 'local-process', settings, env: {}, files: {} }
    for (let round = 1; round <= ROUNDS; round++) {
      await killedAfter(300 + Math.random() * 2000, round, stage, db, dir)
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
        // What serves, and the one before it.
        expect(TELLS_PROCESSES ? processesIn(join(dir, 'releases')).length : 0, `round ${round}`).toBeLessThanOrEqual(2)
      }
      await target.host?.close(round === ROUNDS)
    }
    await forgotten()
  }, 1_800_000)

  it.runIf(HAS_MINIFLARE)(
    'leaves one live of the Workers, with one process that has their storage open',
    async () => {
      const port = await unusedPort()
      const stage: Stage = { target: 'durable-objects', settings: { port, health: '/' }, env: MINIFLARE, files: {} }
      for (let round = 2001; round <= 2000 + ROUNDS; round++) {
        await killedAfter(500 + Math.random() * 3000, round, stage, db, dir)
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
        }
        await target.host?.close(round === 2000 + ROUNDS)
      }
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
        files: {
          Dockerfile: `FROM ${NODE_IMAGE}\nLABEL ${LABEL}\nCOPY server.mjs /\nCMD ["node", "/server.mjs"]\n`,
        },
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
