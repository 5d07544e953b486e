import { plannedIn } from '../support/released.ts'
import { expect, it } from 'vitest'
import { approversText, OPEN_POLICY, type Policy } from '../../src/core/environments/gates.ts'
import type { Release, Task } from '../../src/core/task/types.ts'
import { plan } from '../../src/releases/plan.ts'
import { local } from '../../src/releases/local/module.ts'
import type { ReleaseDeps } from '../../src/releases/types.ts'
import { Driver } from '../support/driver.ts'
import { opened } from '../support/tasks.ts'

/** What is planned where something is live, some files differ, and CODEOWNERS says something. */
async function approversOf(
  policy: Partial<Policy>,
  owners: string | undefined,
  changed: readonly string[],
  live: string | null = 'good',
  more: Partial<Release> = {},
) {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say({ verb: 'deploy', environment: 'production', ref: undefined })
  const production = { ...d.task.settings.environments['production'], policy: { ...OPEN_POLICY, ...policy } }
  const settings = { ...d.task.settings, environments: { production } } as Task['settings']
  const deps = {
    targets: {
      of: () => ({
        url: () => 'http://x',
        current: async () => live ?? undefined,
        restorable: async () => [{ releaseId: 'r', sha: 'good' }],
      }),
    },
    settings: async () => settings,
    environments: { load: async () => undefined },
    facts: {},
    git: {
      resolve: async (_: unknown, ref: string) => (ref === 'main' ? 'head' : ref),
      isAncestor: async (_: unknown, one: string) => {
        if (one === 'gone') throw new Error('no such commit')
        return true
      },
      treeOf: async () => 'tree',
      log: async () => [],
      changedFiles: async () => changed,
      files: async () => [{ path: 'x' }, { path: 'db/all.sql' }],
      show: async (_: unknown, sha: string, path: string) =>
        sha === 'head' && path === 'docs/CODEOWNERS' ? owners : undefined,
    },
    now: () => 0,
    log: () => {},
  } as unknown as ReleaseDeps
  const [first] = d.task.releases
  const release = first && { ...first, ...more }
  if (!release) throw new Error('no release')
  return plannedIn(await plan(deps, d.task, release)).plan.approvers
}

const OWNERS = '* @alice\n/db/ @acme/data\n'

it('is approved by whoever owns what changes, as they stand on the default branch', async () => {
  const policy = { approvers: ['code-owners'] } as const
  expect(await approversOf(policy, OWNERS, ['db/a.sql'])).toEqual(['@acme/data'])
  expect(await approversOf(policy, OWNERS, ['db/a.sql', 'x'])).toEqual(['@acme/data', '@alice'])
  // Nothing to compare with: all of them.
  expect(await approversOf(policy, OWNERS, [], null)).toEqual(['@alice', '@acme/data'])
})

it('is nobody’s where what changes cannot be told, and asks nobody where nobody approves', async () => {
  const policy = { approvers: ['code-owners'] } as const
  await expect(approversOf(policy, OWNERS, [], 'gone')).rejects.toThrow('cannot be told')
  expect(await approversOf({ approvers: ['code-owners', 'admin'] }, OWNERS, [], 'gone')).toEqual(['admin'])
  await expect(approversOf(policy, 'x'.repeat(300_001), ['x'])).rejects.toThrow('larger than is read')
  // What was live right before comes back whoever owns anything.
  expect(await approversOf(policy, undefined, ['x'], 'bad', { goesBack: true })).toEqual([])
})

it('is not asked about where nobody could approve it; others who are named still may', async () => {
  await expect(approversOf({ approvers: ['code-owners'] }, undefined, ['x'])).rejects.toThrow(
    'Nobody owns what changes',
  )
  await expect(approversOf({ approvers: ['code-owners'] }, '/db/ @acme/data', ['x'])).rejects.toThrow('Nobody owns')
  expect(await approversOf({ approvers: ['code-owners', 'admin'] }, undefined, ['x'])).toEqual(['admin'])
  expect(await approversOf({ approvers: ['maintain'] }, OWNERS, ['x'])).toEqual(['maintain'])
})

it('is not asked about where whoever asked is the only one who could approve it', async () => {
  await expect(approversOf({ approvers: ['@Alice'] }, undefined, [])).rejects.toThrow('Only alice could approve')
  expect(await approversOf({ approvers: ['@alice', '@bob'] }, undefined, [])).toEqual(['@alice', '@bob'])
})

it('is asked of those who may, in words', () => {
  expect(approversText(['@alice', '@acme/data'], 'alice')).toBe('acme/data other than alice')
  expect(approversText(['@Alice', '@bob'], 'alice')).toBe('bob')
  expect(approversText(['maintain'], 'alice')).toBe('anybody with maintain permission other than alice')
  expect(approversText(['@alice', '@bob'], undefined)).toBe('alice or bob')
})

it('is a word of approvers alone: who may ask is told before it is known what changes', () => {
  const file = { start: 'x', port: 80 }
  expect(local.settings.safeParse({ ...file, approvers: ['code-owners'] }).success).toBe(true)
  expect(local.settings.safeParse({ ...file, deployers: ['code-owners'] }).success).toBe(false)
})
