import { describe, expect, it } from 'vitest'
import { UserError } from '../../src/core/errors.ts'
import { OPEN_POLICY, type Policy } from '../../src/core/environments/gates.ts'
import type { Task } from '../../src/core/task/types.ts'
import { local } from '../../src/releases/local/module.ts'
import type { ReleaseDeps, Target, WatchResult } from '../../src/releases/types.ts'
import { watch } from '../../src/releases/watch.ts'
import { Driver } from '../support/driver.ts'
import { bob, deployed, opened, releasePlan } from '../support/tasks.ts'

const METRICS = { requests: 'requests_total', errors: 'errors_total' }
const MINUTE = 60_000
/** What was scraped is told fifteen seconds later; looks are made two seconds after the minute. */
const LAG = 13_000

/** A release under watch whose traffic Prometheus tells, and whose log may say something. */
function scene(policy: Partial<Policy>) {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say({ verb: 'deploy', environment: 'production', ref: undefined })
  d.step('release_plan', { kind: 'release_plan', plan: releasePlan('bad') })
  d.say({ verb: 'approve', sha: undefined }, bob)
  const production = {
    ...d.task.settings.environments['production'],
    watchSeconds: 600,
    policy: { ...OPEN_POLICY, ...policy },
  }
  const task = { ...d.task, settings: { ...d.task.settings, environments: { production } } } as Task
  const world = { now: 0, isDown: false, log: '', restarts: 0 }
  const asked: (readonly [number, number])[] = []
  const target: Partial<Target> = {
    observe: async () => ({ state: 'live', since: 0 }),
    probe: async () => true,
    samples: async () => [{ at: world.now, requests: 1, errors: 1, latency: {} }],
    measuredSince: async () => undefined,
    log: async () => world.log,
    restarts: async () => world.restarts,
  }
  const deps = {
    targets: { of: () => target },
    environments: {
      load: async () => ({ state: { live: { sha: 'bad', since: 0 }, before: { sha: 'good', since: -2 * MINUTE } } }),
    },
    metrics: async (_: unknown, __: unknown, { from, to }: { from: number; to: number }) => {
      if (world.isDown) throw new UserError('no_prometheus', 'Prometheus could not be asked.')
      asked.push([from, to])
      return [{ at: to, requests: 100, errors: 1, latency: {} }]
    },
    now: () => world.now,
    log: () => {},
  } as unknown as ReleaseDeps
  const [first] = task.releases
  if (!first) throw new Error('no release')
  let release = { ...first, deployed: { ...deployed('bad'), previousSha: 'good' } }
  const look = async (minute: number): Promise<WatchResult> => {
    world.now = minute * MINUTE + 2000
    const result = await watch(deps, task, release, { signal: new AbortController().signal, mayAct: () => {} })
    release = { ...release, watch: JSON.parse(JSON.stringify(result.watch)) as typeof result.watch }
    return result
  }
  return { world, asked, look }
}

describe('traffic that Prometheus tells', () => {
  it('counts in place of what the target sees, each moment once, whatever could not be asked meanwhile', async () => {
    const { world, asked, look } = scene({ prometheus: METRICS })
    await look(1)
    world.isDown = true
    const { watch: blind } = await look(2)
    expect(blind.tally.requests).toBe(100)
    expect(blind.probes.passed).toBe(2)
    world.isDown = false
    const { watch: after } = await look(3)
    expect(after.tally).toMatchObject({ requests: 200, errors: 2 })
    // What was before the deploy, then one span after the other.
    expect(asked).toEqual([
      [-2 * MINUTE, 0],
      [0, MINUTE - LAG],
      [MINUTE - LAG, 3 * MINUTE - LAG],
    ])
  })

  it('is waited for ten minutes after the end, then it is judged without', async () => {
    const { world, look } = scene({ prometheus: METRICS })
    world.isDown = true
    expect((await look(1)).kind).toBe('looked')
    expect((await look(11)).kind).toBe('looked')
    const late = await look(19)
    expect(late.kind === 'looked' && late.until).toBeGreaterThanOrEqual(19 * MINUTE + 30_000)
    expect(await look(21)).toMatchObject({ kind: 'report', report: { verdict: 'not enough evidence' } })
  })

  it('tells no two releases apart: there are no shares with it', () => {
    const file = { start: 'x', port: 80, prometheus: METRICS }
    expect(local.settings.safeParse(file).success).toBe(true)
    const both = local.settings.safeParse({ ...file, canary: { steps: [10] } })
    expect(JSON.stringify(both.error?.issues)).toContain('`prometheus` tells no two releases apart')
  })
})

describe('what a release prints, and how often it dies', () => {
  it('ends its watch at once where the settings say so, or where it dies three times', async () => {
    const printing = scene({ limits: { log: { words: ['FATAL'], most: 1 } } })
    printing.world.log = 'FATAL of the release before\n'
    expect((await printing.look(1)).kind).toBe('looked')
    printing.world.log += 'fatal: a\n'
    expect((await printing.look(2)).kind).toBe('looked')
    printing.world.log += 'FATAL b\n'
    expect(await printing.look(3)).toMatchObject({ kind: 'report', report: { verdict: 'regressed' } })
    const dying = scene({})
    for (const minute of [1, 2, 3]) {
      dying.world.restarts = minute - 1
      expect((await dying.look(minute)).kind, `minute ${minute}`).toBe('looked')
    }
    dying.world.restarts = 3
    expect(await dying.look(4)).toMatchObject({
      kind: 'report',
      report: { verdict: 'regressed', reasons: ['it was started again 3 times'] },
    })
  })
})
