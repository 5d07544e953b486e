import { plannedIn } from '../support/released.ts'
import { expect, it } from 'vitest'
import { renderMarkdown } from '../../src/channels/github/render.ts'
import { settingsUnder } from '../../src/config/deploys.ts'
import { OPEN_POLICY } from '../../src/core/environments/gates.ts'
import { hashOf } from '../../src/core/hash.ts'
import { releasePlanComment } from '../../src/core/reply/release.ts'
import type { Release, Task } from '../../src/core/task/types.ts'
import { deploy } from '../../src/releases/deploy.ts'
import { plan } from '../../src/releases/plan.ts'
import type { ReleaseDeps } from '../../src/releases/types.ts'
import { Driver } from '../support/driver.ts'
import { bob, opened, releasePlan } from '../support/tasks.ts'

/** A branch that is not merged, and an environment that takes such or does not. */
function scene(isAllowed: boolean) {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say({ verb: 'deploy', environment: 'production', ref: 'feature/x' })
  const policy = { ...OPEN_POLICY, ...(isAllowed ? { branches: true } : {}) }
  const production = { ...d.task.settings.environments['production'], policy }
  const settings = { ...d.task.settings, environments: { production } } as Task['settings']
  const world = { branches: ['aa', 'feature/x'], applied: false }
  const deps = {
    targets: {
      of: () => ({
        url: () => 'http://x',
        current: async () => 'good',
        observe: async () => ({ state: 'absent' }),
        apply: async () => void (world.applied = true),
        log: async () => '',
      }),
    },
    settings: async () => settings,
    environments: { load: async () => undefined },
    hold: async () => ({
      fence: { table: 'lease', name: 'env', token: '1' },
      signal: new AbortController().signal,
      isMine: () => true,
      release: async () => {},
    }),
    facts: {},
    git: {
      resolve: async (_: unknown, ref: string) => (ref === 'feature/x' ? 'b'.repeat(40) : 'm'.repeat(40)),
      isAncestor: async (_: unknown, one: string) => one === 'good',
      branchesWith: async () => world.branches,
      treeOf: async () => 'tree',
      log: async () => [],
      changedFiles: async () => [],
    },
    now: () => 0,
    log: () => {},
  } as unknown as ReleaseDeps
  const [release] = d.task.releases
  if (!release) throw new Error('no release')
  return { d, deps, release, world, settings }
}

it('is planned where the environment takes branches, and the plan says that it is not merged', async () => {
  const { d, deps, release } = scene(true)
  const made = plannedIn(await plan(deps, d.task, release)).plan
  expect(made).toMatchObject({ sha: 'b'.repeat(40), branch: 'feature/x' })
  const text = renderMarkdown(releasePlanComment(d.task, { ...release, plan: made }), { redact: (one) => one })
  expect(text).toMatch(/bbbbbbb.* of .*feature\/x.*which is not merged/)
})

it('is refused elsewhere, and where no branch of the repository has it: a fork is no branch of it', async () => {
  const closed = scene(false)
  await expect(plan(closed.deps, closed.d.task, closed.release)).rejects.toThrow('only merged work is deployed')
  const forked = scene(true)
  forked.world.branches = []
  await expect(plan(forked.deps, forked.d.task, forked.release)).rejects.toThrow('only merged work is deployed')
})

it('is not deployed where its branch was deleted or rewritten after the approval', async () => {
  const { d, deps, release, world, settings } = scene(true)
  const approved = {
    ...releasePlan('b'.repeat(40)),
    branch: 'feature/x',
    liveSha: 'good',
    policy: hashOf(settings.environments['production']),
  }
  d.step('release_plan', { kind: 'release_plan', plan: approved })
  d.say({ verb: 'approve', sha: undefined }, bob)
  const [now = release] = d.task.releases
  const go = (one: Release) => deploy(deps, { ...d.task, settings }, one, new AbortController().signal, () => {})
  world.branches = []
  expect(await go(now)).toMatchObject({
    deployed: { ok: false, error: expect.stringContaining('the branch feature/x does not have `bbbbbbb` any more') },
  })
  expect(world.applied).toBe(false)
  world.branches = ['somebody/elses']
  expect(await go(now)).toMatchObject({ deployed: { ok: false } })
  world.branches = ['main']
  expect(await go(now)).toMatchObject({ deployed: { ok: true } })
})

it('is the operator’s to forbid', () => {
  const file = 'environments:\n  staging: { start: x, port: 80, branches: true }\n'
  const under = (branches: boolean) => {
    const parsed = settingsUnder({ approvals: 0, auto: true, branches })(file)
    return parsed.ok && parsed.settings.environments['staging']?.policy?.branches
  }
  expect([under(true), under(false)]).toEqual([true, undefined])
})
