import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { ServerChild } from '../../rehearsal/child.ts'
import type { Entry } from '../../rehearsal/github/world.ts'
import { playCustomers, playFirstRelease, playFix } from '../../rehearsal/player.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { onGithub } from '../../rehearsal/ways.ts'
import { summarise } from '../../rehearsal/summary.ts'
import { SANDBOX } from '../support/isolation.ts'
import { Cluster, hasPrograms, RedisServer } from '../faults/support/cluster.ts'
import { openApiCheck } from '../support/openapi.ts'

vi.setConfig({ testTimeout: 900_000 })
if (!hasPrograms() && process.env['CI']) throw new Error("PostgreSQL's and Redis's own programs are needed in CI")

const STORY = fileURLToPath(new URL('../../rehearsal/stories/tiers.json', import.meta.url))

describe.skipIf(!hasPrograms())('a web process and two workers on PostgreSQL and Redis', () => {
  it('end with everything there once, though both workers are killed, Redis is emptied and PostgreSQL is restarted on the way', async () => {
    const api = openApiCheck()
    const [cluster, redis] = [await Cluster.start(), await RedisServer.start()]
    const stage = await setStage({ onExchange: api.onExchange })
    const server = await ServerChild.start(stage, {
      MUSTER_SCRIPT: STORY,
      MUSTER_SANDBOX: SANDBOX,
      DATABASE_URL: await cluster.create('journey'),
      REDIS_URL: redis.url,
    })
    const bot = stage.world.bot.login
    const troubles: [string, (entry: Entry) => boolean, () => void][] = [
      [
        'a worker is killed',
        (one) => one.what === 'commented' && one.where === '#2' && one.who === bot,
        () => server.kill(1),
      ],
      ['PostgreSQL restarts', (one) => one.what === 'opened the draft pull request', () => cluster.restart()],
      ['Redis is emptied', (one) => one.what === 'pushed to', () => void redis.flush()],
      ['the other worker is killed', (one) => one.what === 'approved', () => server.kill(2)],
    ]
    stage.world.watch((entry) => {
      const hit = troubles.findIndex(([, matches]) => matches(entry))
      // A moment later: the answer to this very request is on its way by then.
      if (hit >= 0) setTimeout(troubles.splice(hit, 1)[0]?.[2] ?? (() => {}), 50)
    })
    let stopCustomers = () => {}
    try {
      const deps = { way: onGithub(stage), stage, server, patienceMs: 100_000, thinkMs: 100, onStage: () => {} }
      await playFirstRelease(deps)
      stopCustomers = playCustomers(stage.productionPort)
      const { task } = await playFix(deps)
      await new Promise((done) => setTimeout(done, 2500))
      const summary = await summarise(stage, task, undefined, { seconds: 0, recorded: true, kept: false })
      expect(troubles.map(([name]) => name)).toEqual([])
      expect(summary).toMatchObject({
        ok: true,
        problems: [],
        effects: { duplicates: 0 },
        deployment: { verdict: 'healthy' },
      })
      expect(server.restarts).toBe(2)
      expect(api.violations).toEqual([])
    } finally {
      stopCustomers()
      await server.stop()
      await stage.close()
      cluster.stop()
      await redis.kill()
    }
  })
})
