import { describe, expect, it } from 'vitest'
import type { Deployed, ReleasePlan } from '../../src/core/artefacts.ts'
import { UserError } from '../../src/core/errors.ts'
import { hashOf } from '../../src/core/hash.ts'
import { Lost } from '../../src/leases/types.ts'
import { deploy } from '../../src/releases/deploy.ts'
import type { ReleaseDeps, Target } from '../../src/releases/types.ts'
import { watch } from '../../src/releases/watch.ts'
import { Driver } from '../support/driver.ts'
import { bob, deployed, opened, releasePlan } from '../support/tasks.ts'

const CANARY = { steps: [10, 50], unsure: 'promote' } as const
const HELD = {
  fence: { table: 'lease', name: 'env', token: '1' } as const,
  crashes: 0,
  signal: new AbortController().signal,
  isMine: () => true,
  release: async () => {},
  postpone: async () => {},
  progressed: async () => {},
  drop: () => {},
}
const signal = new AbortController().signal

/** An approved release of `bad` where `live` serves, and a target that does what it is told. */
function scene(plan: Partial<ReleasePlan> = {}, alive: string | null = 'good', done?: Partial<Deployed>) {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say({ verb: 'deploy', environment: 'production', ref: undefined })
  const { environments } = d.task.settings
  const policy = hashOf(environments['production'])
  const live = alive ?? undefined
  const liveSha = live
  d.step('release_plan', {
    kind: 'release_plan',
    plan: { ...releasePlan('bad'), liveSha, policy, canary: CANARY, ...plan },
  })
  d.say({ verb: 'approve', sha: undefined }, bob)
  const said: string[] = []
  const world: { breaks: Error | undefined } = { breaks: undefined }
  let now = 0
  const target: Partial<Target> = {
    url: () => 'http://x',
    current: async () => live,
    observe: async () => (done ? { state: 'live', since: 0 } : { state: 'absent' }),
    apply: async ({ percent }) => void said.push(`apply ${percent ?? 'all'}`),
    restore: async () => void said.push('restore'),
    probe: async (_, sha) => {
      if (sha !== 'good') said.push(`probe ${sha === undefined ? 'all' : 'it'}`)
      return true
    },
    samples: async () => [],
    measuredSince: async () => undefined,
    weigh: async ({ percent, mayAct }) => {
      mayAct()
      if (world.breaks) throw world.breaks
      said.push(`weigh ${percent}`)
    },
  }
  const deps = {
    targets: { of: () => target },
    settings: async () => d.task.settings,
    environments: { load: async () => undefined },
    hold: async () => HELD,
    facts: {},
    git: {},
    now: () => now,
    sleep: async () => {},
    log: () => {},
  } as unknown as ReleaseDeps
  const [first] = d.task.releases
  if (!first) throw new Error('no release')
  const release = done ? { ...first, deployed: { ...deployed('bad'), previousSha: 'good', ...done } } : first
  return Object.assign(world, { deps, task: d.task, release, said, at: (ms: number) => (now = ms) })
}

describe('a deploy of an environment that gives shares', () => {
  const percentOf = async ({ deps, task, release, said }: ReturnType<typeof scene>) => {
    const result = await deploy(deps, task, release, signal, () => {})
    return [said.at(-1), result.kind === 'deployed' ? (result.deployed.error ?? result.deployed.percent) : result.kind]
  }

  it('begins with the first of them, and says so', async () => {
    expect(await percentOf(scene())).toEqual(['apply 10', 10])
  })

  it('gives everything where nothing is live, the same is, or what was live comes back', async () => {
    expect(await percentOf(scene({}, null))).toEqual(['apply all', undefined])
    expect(await percentOf(scene({}, 'bad'))).toEqual(['apply all', undefined])
    expect(await percentOf(scene({ restores: 'r1' }))).toEqual(['restore', undefined])
    expect(await percentOf(scene({ canary: undefined }))).toEqual(['apply all', undefined])
  })

  it('that a process ended right after is the same when it is found', async () => {
    const found = scene({ liveSha: 'good' }, 'bad', { percent: 10 })
    const { deps, task, release } = found
    const result = await deploy(deps, task, { ...release, deployed: undefined }, signal, () => {})
    expect(result).toMatchObject({ kind: 'deployed', deployed: { ok: true, percent: 10, previousSha: 'good' } })
  })
})

describe('a look at what has a share of the requests', () => {
  const looking = (one: ReturnType<typeof scene>, mayAct = () => {}) => {
    let { release } = one
    const { watchSeconds } = one.task.settings.environments['production'] ?? { watchSeconds: 0 }
    return async (part: number) => {
      one.at(watchSeconds * 1000 * part + 2000)
      one.said.length = 0
      const result = await watch(one.deps, one.task, release, { signal, mayAct })
      release = { ...release, watch: JSON.parse(JSON.stringify(result.watch)) as typeof result.watch }
      return result
    }
  }

  it('asks the release itself for its health; what it is given next is stored first, and given by the next look', async () => {
    const one = scene({}, 'bad', { percent: 10 })
    const look = looking(one)
    expect(await look(0)).toMatchObject({ kind: 'looked', watch: { beside: { percent: 10, since: 2000 } } })
    expect(one.said).toEqual(['probe it'])
    expect(await look(0.6)).toMatchObject({ kind: 'looked', watch: { beside: { percent: 10, next: 50 } } })
    expect(one.said).toEqual(['probe it'])
    const { watch } = await look(0.7)
    expect(watch.beside).toMatchObject({ percent: 50, since: 6000 })
    expect(watch.beside?.next).toBeUndefined()
    expect(one.said).toEqual(['weigh 50', 'probe it'])
    expect(await look(1.2)).toMatchObject({ kind: 'report', report: { canary: { percent: 50, end: 'promoted' } } })
    expect(one.said).toEqual(['probe it', 'weigh 100'])
  })

  it('that cannot give a share tries again with the next look, and ends only once it has', async () => {
    const one = scene({}, 'bad', { percent: 10 })
    const look = looking(one)
    await look(0)
    await look(0.6)
    one.breaks = new Error('the proxy answered 500')
    expect(await look(0.7)).toMatchObject({ kind: 'looked', watch: { beside: { percent: 10, next: 50 } } })
    expect(await look(1.2)).toMatchObject({ kind: 'looked' })
    one.breaks = undefined
    expect(await look(1.3)).toMatchObject({ kind: 'report', report: { canary: { end: 'promoted' } } })
    expect(one.said).toEqual(['weigh 50', 'probe it', 'weigh 100'])
  })

  it('ends where something else is live by now: it never has its share then', async () => {
    const one = scene({}, 'bad', { percent: 10 })
    const look = looking(one)
    await look(0.6)
    one.breaks = new UserError('changed', 'Something else is live there by now.')
    await expect(look(0.7)).rejects.toThrow('Something else is live')
  })

  it('by somebody who has lost the work gives nothing', async () => {
    const one = scene({}, 'bad', { percent: 10 })
    const lost = () => {
      throw new Lost('somebody else has it')
    }
    const look = looking(one, lost)
    await look(0.6)
    await expect(look(0.7)).rejects.toThrow(Lost)
    expect(one.said).toEqual([])
  })
})
