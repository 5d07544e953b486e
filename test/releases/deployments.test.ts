import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Unwanted } from '../../src/leases/types.ts'
import { deployments } from '../../src/releases/runs/module.ts'
import { RunTarget } from '../../src/releases/runs/target.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { ApplyInput, Runs } from '../../src/releases/types.ts'
import { type Actions, actionsOf } from '../support/actions.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'
import { siteIn } from '../support/site.ts'

const dir = mkdtempSync(join(tmpdir(), 'muster-deployments-'))
const site = await siteIn(dir)
let db: TestDatabase
let github: Actions
/** What the other system does of each commit. */
let plays: (ref: string) => Promise<'success' | 'failure'> = async () => 'success'
beforeAll(async () => {
  db = await embedded()
  github = await actionsOf(dir, 'acme/x', async ({ sha = '' }) => {
    const result = await plays(sha)
    if (result === 'success') writeFileSync(site.file, sha)
    return result
  })
})
afterAll(async () => {
  site.close()
  await github.close()
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const make = (runs: Partial<Runs> = {}) =>
  new RunTarget(targetDeps(db, dir), { ...github.shipments, ...runs }, 'deployment')
const input = async (nth: number, own: Record<string, unknown> = {}, more: Partial<ApplyInput> = {}) => ({
  environment: {
    repository: 'acme/x',
    name: 'production',
    settings: deployments.settings.parse({ target: 'github-deployments', url: site.url, ...own }),
  },
  releaseId: `r-${nth}`,
  taskId: 't',
  sha: `sha-of-r-${nth}`,
  signal: new AbortController().signal,
  mayAct: () => {},
  fence: await fenceOf(db, 'env:acme/x:production'),
  tools: async () => NO_TOOLS,
  unpack: async () => {},
  ...more,
})
const made = (task = 'ship') => github.world.deployments.filter((one) => one.task === task)

it('is shipped by whoever hears of the deployment, and says what came of it', async () => {
  const target = make()
  await target.apply(await input(1))
  expect(made().map(({ ref, environment, payload }) => [ref, environment, payload])).toEqual([
    ['sha-of-r-1', 'production', { muster: 'r-1' }],
  ])
  plays = async () => 'failure'
  await expect(target.apply(await input(2))).rejects.toThrow(
    /The deployment ended with `failure`: https:\/\/ships\.example\/\d+/,
  )
  expect(await target.log('r-2')).toMatch(/in_progress: shipping sha-of-r-2 .*\nfailure: shipping sha-of-r-2/)
  expect(await target.current((await input(2)).environment)).toBe('sha-of-r-1')
  plays = async () => 'success'
})

it('is made once where the answer was lost: it is found by its release', async () => {
  const lost = make({
    start: async (...asked) => {
      await github.shipments.start(...asked)
      throw new Error('the connection broke')
    },
  })
  const before = made().length
  await lost.apply(await input(3))
  expect(made().length).toBe(before + 1)
  expect((await lost.observe('r-3')).state).toBe('live')
})

it('is told to be cancelled where it takes too long, or nobody wants it', async () => {
  const target = make()
  // Nobody hears of such a task.
  await expect(target.apply(await input(4, { task: 'nobody', timeout: '1s' }))).rejects.toThrow(
    'took longer than it may, and was cancelled',
  )
  expect(
    made('nobody')
      .at(-1)
      ?.statuses.map(({ state }) => state),
  ).toEqual(['error'])
  const unwanted = new AbortController()
  const waiting = target.apply(await input(5, { task: 'nobody' }, { signal: unwanted.signal }))
  await expect.poll(() => made('nobody').length).toBe(2)
  unwanted.abort(new Unwanted('cancelled'))
  await expect(waiting).rejects.toThrow('cancelled')
  await expect.poll(() => made('nobody').at(-1)?.statuses.length).toBe(1)
})

it('says so where there is no such commit, and makes none where somebody else is at it', async () => {
  await expect(make().apply({ ...(await input(6)), sha: 'no-such-commit' })).rejects.toThrow(
    'makes no deployment of this commit',
  )
  const before = github.world.deployments.length
  const mayNot = () => {
    throw new Error('somebody else has it')
  }
  await expect(make().apply(await input(7, {}, { mayAct: mayNot }))).rejects.toThrow('somebody else has it')
  expect(github.world.deployments.length).toBe(before)
})

it('is spoken of as GitHub describes it', () => {
  expect(github.violations).toEqual([])
})
