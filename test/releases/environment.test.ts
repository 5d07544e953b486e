import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Unwanted } from '../../src/leases/types.ts'
import { environment as module } from '../../src/releases/runs/module.ts'
import { RunTarget } from '../../src/releases/runs/target.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { ApplyInput, Runs } from '../../src/releases/types.ts'
import { type Actions, actionsOf } from '../support/actions.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'
import { siteIn } from '../support/site.ts'

/** Workflows that wait at an environment of GitHub's until Muster lets them go on. */

const dir = mkdtempSync(join(tmpdir(), 'muster-environment-'))
const site = await siteIn(dir)
let db: TestDatabase
let github: Actions
let plays: (sha: string) => Promise<'success' | 'failure'> = async () => 'success'
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
  expect(github.violations).toEqual([])
  await github.close()
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const make = (runs: Partial<Runs> = {}) =>
  new RunTarget(targetDeps(db, dir), { ...github.awaiting, ...runs }, 'waiting')
const input = async (nth: number, more: Partial<ApplyInput> = {}) => ({
  environment: {
    repository: 'acme/x',
    name: 'production',
    settings: module.settings.parse({ target: 'github-environment', url: site.url }),
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

it('lets the workflow of that commit go on, also where it comes later, and tells what came of it', async () => {
  const target = make()
  const other = await github.waits('sha-of-r-2')
  const deploying = target.apply(await input(1))
  await new Promise((resolve) => setTimeout(resolve, 300))
  await github.waits('sha-of-r-1')
  await deploying
  expect((await target.observe('r-1')).state).toBe('live')
  expect(other.isWaiting).toBe(true)
  plays = async () => 'failure'
  await expect(target.apply(await input(2))).rejects.toThrow(
    /The deployment of the workflow ended with `failure`: http.*\/actions\/runs\/\d+\/job\/1/,
  )
  expect(await target.current((await input(2)).environment)).toBe('sha-of-r-1')
  plays = async () => 'success'
})

it('goes back by running the workflow of the earlier commit once more', async () => {
  const target = make()
  const { environment } = await input(3)
  await github.waits('sha-of-r-3')
  await target.apply(await input(3))
  const [kept] = (await target.restorable(environment)) ?? []
  expect(kept?.sha).toBe('sha-of-r-1')
  await target.restore({ ...(await input(1)), releaseId: 'r-1' })
  expect(await target.current(environment)).toBe('sha-of-r-1')
  expect(github.world.waiting.filter(({ isWaiting }) => isWaiting)).toEqual([])
})

it('lets it go on once, whoever ends right before or after', async () => {
  const job = await github.waits('sha-of-r-4')
  const ends = () => Promise.reject(new Error('the process ended'))
  const before = make({ start: ends, find: async () => undefined })
  const stopped = new AbortController()
  const dying = before.apply(await input(4, { signal: stopped.signal }))
  setTimeout(() => stopped.abort(new Error('stopped')), 300)
  await expect(dying).rejects.toThrow()
  expect(job.isWaiting).toBe(true)
  const after = make({
    start: async (...asked) => {
      await github.awaiting.start(...asked)
      throw new Error('the connection broke')
    },
  })
  await after.apply(await input(4))
  expect((await after.observe('r-4')).state).toBe('live')
  expect(job.deployment?.statuses.map(({ state }) => state)).toEqual(['in_progress', 'success'])
})

it('goes on asking GitHub where that does not answer for a while, and lets the run go on that has asked', async () => {
  let nth = 0
  const shaky = make({
    start: (...asked) => {
      // As the first answer of a look that fails.
      if (nth++ === 0) return Promise.reject(new Error('502'))
      return github.awaiting.start(...asked)
    },
  })
  const other = await github.waits('sha-of-r-6')
  const its = await github.waits('sha-of-r-6')
  await shaky.apply({
    ...(await input(6)),
    awaits: { run: its.run.id, deployment: its.deployment?.id ?? 0 },
  })
  expect([its.run.conclusion, other.isWaiting]).toEqual(['success', true])
})

it('stops waiting for a workflow where nobody wants the deploy any more', async () => {
  const unwanted = new AbortController()
  const waiting = make().apply(await input(5, { signal: unwanted.signal }))
  setTimeout(() => unwanted.abort(new Unwanted('cancelled')), 200)
  await expect(waiting).rejects.toThrow()
})

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

const SETTINGS = (url: string) =>
  `approve_plan: never\nenvironments:\n  production: { target: github-environment, url: "${url}", watch: 3s }\n  second: { target: github-environment, url: "${url}", watch: 1s }\n  local: { start: node src/server.ts, port: 1 }\n`

/** Somebody's pull request, merged; and its workflow comes to the environment. */
async function merged(title: string) {
  if (!scene) throw new Error('no scene')
  const { people } = scene.stage
  await people.push('bob', `branch-${title}`, { [`${title}.txt`]: title }, title)
  const { number } = await people.openPull('bob', { head: `branch-${title}`, title, body: '' })
  await people.merge('bob', number)
  const sha = scene.stage.world.issues.find((one) => one.number === number)?.pull?.merged?.sha ?? ''
  return { number, sha }
}

it('opens a deploy where the pull request is talked about: approved it goes on, rejected it is refused', async () => {
  scene = await startScene({ settings: () => SETTINGS(site.url) })
  const { people, world } = scene.stage
  const ships = async (sha: string) => {
    writeFileSync(site.file, sha)
    return 'success' as const
  }
  const first = await merged('first')
  const job = await people.comesTo('bob', first.sha, 'production', ships)
  const gate = async (number: number) => (await scene?.task(number))?.state.gate?.kind
  await soon(() => gate(first.number)).toBe('deploy')
  const texts = (number: number) => world.comments.filter(({ issue }) => issue === number).map(({ body }) => body)
  await soon(() => texts(first.number).join()).toContain('a workflow that waits at this environment')
  // Whoever caused it approves nothing.
  await people.comment('bob', first.number, '@muster approve')
  await soon(() => texts(first.number).join()).toContain('somebody else')
  expect(job.isWaiting).toBe(true)
  await people.comment('alice', first.number, '@muster approve')
  await soon(() => job.run.conclusion).toBe('success')
  await soon(async () => (await scene?.task(first.number))?.status).toBe('done')

  const second = await merged('second')
  const refused = await people.comesTo('bob', second.sha, 'production', ships)
  await soon(() => gate(second.number)).toBe('deploy')
  await people.comment('alice', second.number, '@muster reject')
  await soon(() => refused.run.conclusion).toBe('failure')
  expect(world.ledger.some(({ what, text }) => what === 'rejected the deployment to' && text === 'Rejected')).toBe(true)

  // A workflow that comes to the next environment while the first is watched waits for that, and follows.
  const both = await merged('both')
  const one = await people.comesTo('bob', both.sha, 'production', ships)
  await soon(() => gate(both.number)).toBe('deploy')
  await people.comment('alice', both.number, '@muster approve')
  await soon(() => one.run.conclusion).toBe('success')
  const next = await people.comesTo('bob', both.sha, 'Second', ships)
  await soon(async () =>
    (await scene?.task(both.number))?.state.releases.map(({ environment }) => environment),
  ).toEqual(['production', 'second'])
  await soon(() => gate(both.number)).toBe('deploy')
  await people.comment('alice', both.number, '@muster approve')
  await soon(() => next.run.conclusion).toBe('success')

  // What Muster deploys itself no workflow begins, and strangers begin nothing.
  const reasons = async () =>
    (await scene?.events())
      ?.filter(({ kind }) => kind.startsWith('deployment_protection'))
      .map(({ decision }) => decision?.reason)
  await people.comesTo('bob', second.sha, 'local', ships)
  await soon(reasons).toContain('not_for_us')
  world.addAccount('mallory')
  const third = await merged('third')
  const strangers = await people.comesTo('mallory', third.sha, 'production', ships)
  await soon(reasons).toContain('permission')
  // What a bot merges, whoever wrote it wants live.
  world.addAccount('merge-queue[bot]', 'Bot')
  const queued = await people.comesTo('merge-queue[bot]', third.sha, 'production', ships)
  await soon(() => gate(third.number)).toBe('deploy')
  await people.comment('alice', third.number, '@muster approve')
  await soon(() => queued.run.conclusion).toBe('success')
  expect(strangers.isWaiting).toBe(true)
  await people.comesTo('bob', 'f'.repeat(40), 'production', ships)
  await soon(reasons).toContain('no_task')
  await soon(() =>
    world.ledger.filter(({ what }) => what === 'told the deployment to').map(({ text }) => text),
  ).toEqual([
    expect.stringContaining('no environment of this name'),
    expect.stringContaining('No pull request has this commit'),
  ])
}, 300_000)
