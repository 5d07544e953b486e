import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runs } from '../support/amount.ts'
import { actionsOf } from '../support/actions.ts'
import { cluster, HAS_KUBECTL } from '../support/cluster/server.ts'
import { podsServed } from '../support/cluster/web.ts'
import { hasPostgres, server, type TestDatabase } from '../support/databases.ts'
import { killedAfter } from '../support/killed.ts'
import { onStage, type Stage } from '../support/sharing.ts'
import { siteIn } from '../support/site.ts'

const ROUNDS = runs(100, 3)

/** Whoever deploys is killed anywhere, where what is deployed is somebody else's to serve. */
describe.skipIf(!(await hasPostgres()))('a deploy elsewhere, killed in the middle', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-killed-'))
  let db: TestDatabase
  beforeAll(async () => {
    db = await server()
  })
  afterAll(async () => {
    await db.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  /** What people see comes to be what it is said to be; and of the releases written down at most one is live. */
  async function toldTruly(stage: Stage, round: number): Promise<void> {
    const { target, environment } = await onStage(stage, db, dir)
    const live = await db.storage.store.releases.allLive()
    expect(live.length, `round ${round}`).toBeLessThanOrEqual(1)
    const seen = async () => (await fetch(target.url(environment))).text()
    await expect
      .poll(async () => (await target.current(environment)) ?? '', { timeout: 20_000 })
      .toBe(await settled(seen))
  }

  /** What was under way goes on by itself. */
  async function settled(seen: () => Promise<string>): Promise<string> {
    let before = await seen().catch(() => '')
    for (let same = 0; same < 5; ) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const now = await seen().catch(() => '')
      same = now === before ? same + 1 : 0
      before = now
    }
    return before
  }

  async function forgotten(): Promise<void> {
    for (const row of await db.storage.store.releases.list('acme/x', 'production'))
      await db.storage.store.releases.save({ ...row, status: 'retired', liveAt: row.liveAt ?? new Date(0) })
  }

  it('begins a command once, and says what it has put live', async () => {
    const site = await siteIn(mkdtempSync(join(dir, 'site-')))
    const stage: Stage = {
      target: 'command',
      settings: {
        deploy: ['node', 'deploy.mjs', '{sha}'],
        restore: ['node', 'deploy.mjs', '{sha}'],
        current: ['node', '-e', 'console.log(require("node:fs").readFileSync(process.env.STATE + ".sha", "utf8"))'],
        url: site.url,
        env: { STATE: site.file },
      },
      env: {},
      files: {},
    }
    for (let round = 1; round <= ROUNDS; round++) {
      await killedAfter(300 + Math.random() * 3000, round, stage, db, dir)
      await toldTruly(stage, round)
    }
    const begun = existsSync(`${site.file}.runs`) ? readFileSync(`${site.file}.runs`, 'utf8').trim().split('\n') : []
    const rows = await db.storage.store.releases.list('acme/x', 'production')
    // What was gone back to was begun once more for that, and never anything else.
    for (const { sha } of rows.filter(({ liveAt }) => liveAt === undefined))
      expect(begun.filter((one) => one === sha).length).toBeLessThanOrEqual(1)
    expect(begun.length).toBeGreaterThan(0)
    site.close()
    await forgotten()
  }, 1_800_000)

  it('starts a workflow once for each release', async () => {
    const site = await siteIn(mkdtempSync(join(dir, 'site-')))
    const github = await actionsOf(mkdtempSync(join(dir, 'github-')), 'acme/x', async ({ sha = '' }) => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      writeFileSync(site.file, sha)
      return 'success'
    })
    const settings = { workflow: 'deploy.yml', url: site.url, version: '/', restore: false }
    const stage: Stage = { target: 'github-actions', settings, env: {}, files: {}, github: github.reached }
    for (let round = 1001; round <= 1000 + ROUNDS; round++) {
      await killedAfter(300 + Math.random() * 4000, round, stage, db, dir)
      await toldTruly(stage, round)
    }
    const titles = github.world.workflowRuns.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
    expect(titles.length).toBeGreaterThan(0)
    site.close()
    await github.close()
    await forgotten()
  }, 1_800_000)

  it.runIf(HAS_KUBECTL)(
    'leaves a cluster that says what its pods are',
    async () => {
      const kube = await cluster(dir)
      process.env['KUBECONFIG'] = kube.kubeconfig
      const pods = await podsServed(kube)
      const stage: Stage = {
        target: 'kubernetes',
        settings: { deployment: 'web', image: 'registry.example/shop:{sha}', url: pods.url, timeout: '20s' },
        env: { MUSTER_DEPLOY_CLUSTERS: 'acme/x:production=main/shop' },
        files: {},
      }
      for (let round = 2001; round <= 2000 + ROUNDS; round++) {
        await killedAfter(500 + Math.random() * 6000, round, stage, db, dir)
        await toldTruly(stage, round)
      }
      expect(kube.violations).toEqual([])
      pods.close()
      await kube.close()
      await forgotten()
    },
    1_800_000,
  )
})
