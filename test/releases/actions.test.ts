import { createServer, type ServerResponse } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Lost, Unwanted } from '../../src/leases/types.ts'
import { actions } from '../../src/releases/runs/module.ts'
import { RunTarget } from '../../src/releases/runs/target.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { ApplyInput, Environment, Runs } from '../../src/releases/types.ts'
import { type Actions, actionsOf } from '../support/actions.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'

/** What happens between Muster, a workflow that deploys, and a restart in the middle. */

let db: TestDatabase
let github: Actions
const dir = mkdtempSync(join(tmpdir(), 'muster-actions-'))
/** What was deployed, in order; and what the next run does. */
const deployed: string[] = []
let play = async (): Promise<'success' | 'failure'> => 'success'

beforeAll(async () => {
  db = await embedded()
  github = await actionsOf(dir, 'acme/x', async ({ sha = '' }) => {
    deployed.push(sha)
    return play()
  })
})
afterAll(async () => {
  // That there is no such workflow the description leaves out.
  expect(github.violations.filter((one) => !one.endsWith('dispatches never answers 404'))).toEqual([])
  await github.close()
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const at = (own: Record<string, unknown> = {}): Environment => ({
  repository: 'acme/x',
  name: 'production',
  settings: actions.settings.parse({
    target: 'github-actions',
    workflow: 'deploy.yml',
    url: 'http://127.0.0.1:1',
    ...own,
  }),
})
const make = (runs: Partial<Runs> = {}) => new RunTarget(targetDeps(db, dir), { ...github.runs, ...runs }, 'workflow')
const apply = async (
  target: RunTarget,
  id: string,
  {
    signal = new AbortController().signal,
    own = {},
    mayAct = () => {},
  }: Partial<Pick<ApplyInput, 'signal' | 'mayAct'>> & { own?: Record<string, unknown> } = {},
) =>
  target.apply({
    environment: at(own),
    releaseId: id,
    taskId: 't',
    sha: `sha-${id}`,
    signal,
    mayAct,
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: async () => NO_TOOLS,
    unpack: async () => {},
  })

it('starts the workflow once, waits for its end, and is live then', async () => {
  const target = make()
  await apply(target, 'a1')
  expect(deployed).toEqual(['sha-a1'])
  expect([await target.current(at()), await target.observe('a1')]).toEqual([
    'sha-a1',
    { state: 'live', since: expect.any(Number) },
  ])
  expect(await target.log('a1')).toContain('deploy: success')
})

it('finds its run by its name where GitHub does not tell it', async () => {
  github.world.tellsNoRuns = true
  await apply(make(), 'a2')
  github.world.tellsNoRuns = false
  expect(deployed.filter((one) => one === 'sha-a2')).toHaveLength(1)
})

it('tells how a run ended that failed, with its address, and leaves what was live', async () => {
  play = async () => 'failure'
  const target = make()
  await expect(apply(target, 'a3')).rejects.toThrow(/ended with `failure`: http.*\/actions\/runs\/\d+/)
  play = async () => 'success'
  expect(await target.current(at())).toBe('sha-a2')
  expect(await target.observe('a3')).toMatchObject({ state: 'failed' })
  expect(await target.log('a3')).toContain('deploy: failure in Deploy')
})

it('is waited for by whoever comes next where Muster stops in the middle', async () => {
  let end: (how: 'success') => void = () => {}
  play = () => new Promise((done) => (end = done))
  const stopped = new AbortController()
  const first = apply(make(), 'a4', { signal: stopped.signal })
  await expect.poll(() => deployed.at(-1)).toBe('sha-a4')
  stopped.abort(new Error('stopped'))
  await expect(first).rejects.toThrow('stopped')
  expect(await make().observe('a4')).toEqual({ state: 'begun' })
  const second = apply(make(), 'a4')
  end('success')
  await second
  play = async () => 'success'
  expect(deployed.filter((one) => one === 'sha-a4')).toHaveLength(1)
})

it('is asked for once, though Muster ended before it had the answer', async () => {
  const lost = make({
    start: async (...args) => {
      await github.runs.start(...args)
      throw new Lost('killed')
    },
  })
  await expect(apply(lost, 'a5')).rejects.toThrow(Lost)
  await apply(make(), 'a5')
  expect(deployed.filter((one) => one === 'sha-a5')).toHaveLength(1)
})

it('goes on waiting where GitHub does not answer for a while, and finds what it may have started', async () => {
  let failures = 0
  const shaky = make({
    start: async (...args) => {
      await github.runs.start(...args)
      throw new TypeError('fetch failed')
    },
    get: async (...args) => {
      if (failures++ < 2) throw new Error('502')
      return github.runs.get(...args)
    },
  })
  await apply(shaky, 'a8')
  expect([failures, deployed.filter((one) => one === 'sha-a8').length]).toEqual([3, 1])
  expect(await shaky.observe('a8')).toMatchObject({ state: 'live' })
})

it('ends its run where nobody wants it any more, and starts none at the last moment', async () => {
  play = () => new Promise(() => {})
  const stopped = new AbortController()
  const first = apply(make(), 'a9', { signal: stopped.signal })
  await expect.poll(() => deployed.at(-1)).toBe('sha-a9')
  stopped.abort(new Unwanted('cancelled'))
  await expect(first).rejects.toThrow('cancelled')
  expect(github.world.workflowRuns.at(-1)?.conclusion).toBe('cancelled')
  play = async () => 'success'
  let asked = 0
  const late = () => {
    // Right before the request leaves somebody else has it.
    if (++asked > 1) throw new Lost('somebody else has it')
  }
  await expect(apply(make(), 'a10', { mayAct: late })).rejects.toThrow(Lost)
  expect(deployed).not.toContain('sha-a10')
})

it('is what an address says is live, and where that says nothing what was deployed from here last', async () => {
  let answer: (response: ServerResponse) => void = () => {}
  const server = createServer((_, response) => answer(response))
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const own = { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, version: '/version' }
  const target = make()
  const known = await target.current(at())
  const sha = 'a'.repeat(40)
  answer = (response) => void response.end(`{"commit":"${sha}"}`)
  expect(await target.current(at(own))).toBe(sha)
  for (const broken of [
    (response: ServerResponse) => void response.writeHead(500).end(sha),
    (response: ServerResponse) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    (response: ServerResponse) =>
      void response.writeHead(200, { 'content-length': '999' }).write('x', () => response.destroy()),
    (response: ServerResponse) => void response.end('no commit'),
  ]) {
    answer = broken
    expect(await target.current(at(own))).toBe(known)
  }
  server.close()
})

it('is cancelled where it takes longer than it may', async () => {
  play = () => new Promise(() => {})
  await expect(apply(make(), 'a6', { own: { timeout: '1s' } })).rejects.toThrow(
    'took longer than it may, and was cancelled',
  )
  play = async () => 'success'
  expect(github.world.workflowRuns.at(-1)?.conclusion).toBe('cancelled')
})

it('says what is wrong with a workflow that is not there', async () => {
  await expect(apply(make(), 'a7', { own: { workflow: 'other.yml' } })).rejects.toThrow(
    'There is no workflow `other.yml` on `main`',
  )
})

it('goes back by the same workflow: one run, whoever stops in the middle', async () => {
  const target = make()
  expect(await target.restorable(at())).toContainEqual({ releaseId: 'a4', sha: 'sha-a4' })
  const how = async (signal: AbortSignal) => ({
    environment: at(),
    releaseId: 'a4',
    signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
  })
  let end: (how: 'success') => void = () => {}
  play = () => new Promise((done) => (end = done))
  const stopped = new AbortController()
  const count = deployed.length
  const first = target.restore(await how(stopped.signal))
  await expect.poll(() => deployed.length).toBe(count + 1)
  stopped.abort(new Error('stopped'))
  await expect(first).rejects.toThrow('stopped')
  const second = make().restore(await how(new AbortController().signal))
  end('success')
  await second
  play = async () => 'success'
  expect([deployed.slice(count), await target.current(at())]).toEqual([['sha-a4'], 'sha-a4'])
  expect(await make().restorable(at({ restore: false }))).toEqual([])
  // What was gone back to once is another matter once something else was live: it is a run of its own.
  await apply(make(), 'a11')
  await make().restore(await how(new AbortController().signal))
  expect(deployed.slice(count)).toEqual(['sha-a4', 'sha-a11', 'sha-a4'])
  // One that failed is not taken for the next one.
  await apply(make(), 'a12')
  play = async () => 'failure'
  await expect(make().restore(await how(new AbortController().signal))).rejects.toThrow('failure')
  play = async () => 'success'
  await make().restore(await how(new AbortController().signal))
  expect(deployed.slice(count + 3)).toEqual(['sha-a12', 'sha-a4', 'sha-a4'])
})
