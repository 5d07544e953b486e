import { describe, expect, it } from 'vitest'
import { evolveEnvironment } from '../../src/core/environments/evolve.ts'
import { environmentKey, type EnvironmentState } from '../../src/core/environments/types.ts'
import { Lost } from '../../src/leases/types.ts'
import { takeBack } from '../../src/releases/takeback.ts'
import type { ReleaseDeps, Target } from '../../src/releases/types.ts'
import { deployed, opened, releasePlan } from '../support/tasks.ts'
import { Driver } from '../support/driver.ts'

/** A release that serves and got worse. */
function worse() {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say({ verb: 'deploy', environment: 'production', ref: undefined })
  d.step('release_plan', { kind: 'release_plan', plan: releasePlan('bad') })
  d.say({ verb: 'approve', sha: undefined }, { id: 2, login: 'bob' })
  const [release] = d.task.releases
  if (!release) throw new Error('no release')
  return { task: d.task, release: { ...release, deployed: { ...deployed('bad'), previousSha: 'good' } } }
}

interface World {
  live: string
  /** What becomes of whoever puts something back. */
  readonly restore?: Target['restore']
  readonly isHealthy?: boolean
  readonly quarantine?: EnvironmentState['quarantine']
  readonly claim?: AbortController
}

/** @returns what came of it, and what was put back */
async function back(world: World, signal = new AbortController().signal) {
  const { task, release } = worse()
  const put: string[] = []
  const claim = world.claim ?? new AbortController()
  const { repository } = task.origin
  const seen = evolveEnvironment(undefined, { type: 'environment.seen', repository, name: 'production' }, 0)
  const state = { ...seen, quarantine: world.quarantine ?? [] }
  const target: Partial<Target> = {
    current: async () => world.live,
    probe: async () => world.isHealthy ?? true,
    restorable: async () => [{ sha: 'good', releaseId: 'r1' }],
    restore: async (input) => {
      await world.restore?.(input)
      input.mayAct()
      put.push(input.releaseId)
      world.live = 'good'
    },
  }
  const deps: Partial<ReleaseDeps> = {
    targets: { of: () => target as Target } as unknown as ReleaseDeps['targets'],
    environments: { load: async () => ({ state, chain: { seq: 1, hash: '' } }) },
    hold: async (name) => ({
      fence: { table: 'lease', name, token: '1' },
      crashes: 0,
      signal: claim.signal,
      isMine: () => !claim.signal.aborted,
      release: async () => {},
      postpone: async () => {},
      progressed: async () => {},
      drop: () => {},
    }),
    sleep: async () => {},
    log: () => {},
  }
  expect(environmentKey(repository, 'production')).toBe(state.key)
  return { done: await takeBack(deps as ReleaseDeps, task, release, signal, () => {}), put }
}

describe('a release that got worse', () => {
  it('is put back to what it replaced, once', async () => {
    expect(await back({ live: 'bad' })).toMatchObject({ done: { ok: true, isSwitched: true, to: 'good' }, put: ['r1'] })
    // By a process that ended right afterwards.
    expect(await back({ live: 'good' })).toMatchObject({ done: { ok: true, isSwitched: true }, put: [] })
  })

  it('stays where something else is live, or what it replaced was taken back itself', async () => {
    const other = await back({ live: 'newer' })
    expect(other).toMatchObject({ done: { ok: false, isSwitched: false }, put: [] })
    expect(other.done.error).toContain('something else is live')
    const bad = { sha: 'good', tree: undefined, to: 'older', task: 't0', at: 0 }
    const both = await back({ live: 'bad', quarantine: [bad] })
    expect(both).toMatchObject({ done: { ok: false, isSwitched: false }, put: [] })
    expect(both.done.error).toContain('was taken back itself')
  })

  it('says so where what is back does not answer either', async () => {
    const { done } = await back({ live: 'bad', isHealthy: false })
    expect(done).toMatchObject({ ok: false, isSwitched: true, error: expect.stringContaining('does not answer') })
  })

  it('tells people what went wrong, and goes on for nobody who has lost the environment', async () => {
    const failing = async () => Promise.reject(new Error('the disk is full'))
    expect((await back({ live: 'bad', restore: failing })).done).toMatchObject({ ok: false, isSwitched: false })
    const claim = new AbortController()
    const lost = async () => {
      claim.abort(new Lost('gone'))
      throw new Error('interrupted')
    }
    await expect(back({ live: 'bad', claim, restore: lost })).rejects.toThrow(Lost)
    const late = new AbortController()
    const slow = async () => late.abort(new Lost('gone'))
    await expect(back({ live: 'bad', claim: late, restore: slow })).rejects.toThrow(Lost)
  })
})
