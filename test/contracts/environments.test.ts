import { plannedIn } from '../support/released.ts'
import { beforeAll, expect, it } from 'vitest'
import { environmentProblems } from '../../src/core/environments/verify.ts'
import { environmentKey, type Wanted } from '../../src/core/environments/types.ts'
import type { Task } from '../../src/core/task/types.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { releaseEngine } from '../../src/releases/engine.ts'
import { targetsOf } from '../../src/releases/registry.ts'
import type { Releases, ReleaseRow, Target } from '../../src/releases/types.ts'
import { Conflict, Fenced, type Store } from '../../src/store/types.ts'
import { createEnvironments } from '../../src/workflow/environments.ts'
import type { Git } from '../../src/workspace/types.ts'
import { runs } from '../support/amount.ts'
import { Driver } from '../support/driver.ts'
import { onEachDatabase } from '../support/eachdatabase.ts'
import { alice, bob, opened, origin, settings } from '../support/tasks.ts'

/** The repository's settings as they are now. */
let current = settings
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

await onEachDatabase('environments', (_name, theStore) => {
  let store: Store
  beforeAll(() => {
    store = theStore()
  })
  const environments = () =>
    createEnvironments({ store, now: Date.now, sleep: pause, random: Math.random, kick: () => {} })
  const where = (name: string) => ({ repository: origin.repository, name })
  const wanted = (task: string): Wanted => ({
    task,
    release: 1,
    nth: 1,
    conversationId: `conversation-${task}`,
    sha: 'f'.repeat(40),
    by: alice,
    watchSeconds: 60,
    state: 'in',
    isLive: false,
    verdict: undefined,
    tree: undefined,
  })

  it('write state, events and what is told, all or nothing; the chain holds', async () => {
    const one = environments()
    await one.apply(where('chained'), { type: 'turn', wanted: wanted('t1'), freeze: [] })
    await one.apply(where('chained'), { type: 'lock', by: bob, reason: 'a release party', from: undefined })
    await one.apply(where('chained'), { type: 'turn', wanted: wanted('t2'), freeze: [] })
    const key = environmentKey(origin.repository, 'chained')
    const events = await store.environments.events(key, 0, 100)
    expect(events.map(({ event, actor }) => `${event.type} ${actor}`)).toEqual([
      'environment.seen muster:t1',
      'turn.asked muster:t1',
      'turn.given muster:t1',
      'lock.set github:2:bob',
      'turn.asked muster:t2',
    ])
    const loaded = await store.environments.load(key)
    if (!loaded) throw new Error('it is not there')
    expect(environmentProblems(loaded, events)).toEqual([])
    const [seen, asked, given, ...rest] = events
    if (!seen || !asked || !given) throw new Error('unreachable')
    expect(environmentProblems(loaded, [seen, asked, ...rest])[0]).toBe('event 3 is missing')
    const other = { ...asked, actor: 'github:3:mallory' }
    expect(environmentProblems(loaded, [seen, other, given, ...rest])[0]).toBe(
      'event 2 (turn.asked) is not what was written',
    )
    expect(environmentProblems({ ...loaded, state: { ...loaded.state, lock: undefined } }, events)).toEqual([
      'replaying the events gives another state than the stored one',
    ])
    const lane = await store.effects.lane(`${key} turn:t2:1`)
    expect(lane.effects.map(({ body, taskId }) => [body.kind, taskId])).toEqual([['task.turn', 't2']])
    // Decided on what was there before somebody else wrote.
    const outcome = {
      state: { ...loaded?.state, version: 9 },
      events: [],
      effects: [],
      reason: 'x',
      wakeAt: undefined,
    }
    const context = { at: 1, actor: 'x', conversations: {} }
    const old = loaded && { ...loaded, state: { ...loaded.state, version: 1 } }
    await expect(store.environments.commit(outcome as never, old, context)).rejects.toThrow(Conflict)
  })

  it('have one holder, however many ask at once', async () => {
    const processes = Array.from({ length: 4 }, environments)
    const tasks = Array.from({ length: 24 }, (_, n) => `many-${n}`)
    await Promise.all(
      tasks.map((task, n) =>
        (processes[n % 4] ?? environments()).apply(where('many'), { type: 'turn', wanted: wanted(task), freeze: [] }),
      ),
    )
    const state = await environments().get(where('many'))
    expect(state?.holder).toBeDefined()
    expect(new Set([state?.holder, ...(state?.queue ?? [])].map((turn) => turn?.task)).size).toBe(24)
    for (let left = state; left?.holder; left = await environments().get(where('many')))
      await environments().apply(where('many'), {
        type: 'turn',
        wanted: { ...wanted(left.holder.task), state: 'out' },
        freeze: [],
      })
    const given = (await store.environments.events(environmentKey(origin.repository, 'many'), 0, 500)).filter(
      ({ event }) => event.type === 'turn.given',
    )
    expect(given.length).toBe(24)
  })

  it('take back what nobody wants any more, though the word of it was lost', async () => {
    const one = environments()
    await one.apply(where('lost'), { type: 'turn', wanted: wanted('not there'), freeze: [] })
    const later = createEnvironments({
      store,
      sleep: pause,
      random: Math.random,
      kick: () => {},
      now: () => Date.now() + 3_600_000,
    })
    await later.look()
    expect((await one.get(where('lost')))?.holder).toBeUndefined()
  })

  it('have exactly one release live after two deploys at once, whoever began first', async () => {
    const races = runs(1000, 25)
    const engines = [engine(), engine()]
    for (let race = 0; race < races; race++) {
      const tasks = await Promise.all([0, 1].map((nth) => approved(engines[0], `race-${race}`, nth)))
      const ended = await Promise.all(
        tasks.map((task, nth) => deployed(engines[nth], task, nth === race % 2 ? 0 : Math.random() * 4)),
      )
      const live = (await store.releases.list(`acme/race-${race}`, 'production')).filter(
        ({ status }) => status === 'live',
      )
      expect([race, live.length]).toEqual([race, 1])
      expect([race, ended.filter(({ ok }) => ok).length]).toEqual([race, 1])
      expect(ended.find(({ ok }) => !ok)?.error).toContain('what is live has changed')
    }
  })

  it('are deployed to by the policy of now, not by that of when it was approved', async () => {
    const one = engine()
    const task = await approved(one, 'stricter', 0)
    const production = settings.environments['production']
    if (!production) throw new Error('no production')
    current = { ...settings, environments: { production: { ...production, watchSeconds: 99 } } }
    const result = await deployed(one, task, 0)
    expect(result).toMatchObject({ ok: false, isStale: true, error: expect.stringContaining('settings') })
    expect(await store.releases.live('acme/stricter', 'production')).toBeUndefined()
    current = { ...settings, environments: {} }
    expect(await deployed(one, task, 0)).toMatchObject({ ok: false, isStale: false })
    current = settings
    expect(await deployed(one, task, 0)).toMatchObject({ ok: true })
  })

  it('wait for whoever locks them between a turn and its deploy', async () => {
    const one = engine()
    const task = await approved(one, 'locked', 0)
    const place = { repository: task.origin.repository, name: 'production' }
    await environments().apply(place, { type: 'lock', by: bob, reason: 'stocktaking', from: undefined })
    const [release] = task.releases
    const result = release && (await one.deploy(task, release, new AbortController().signal, () => {}))
    expect(result).toMatchObject({ kind: 'gated', gates: [{ gate: 'lock', decision: 'wait' }] })
    await environments().apply(place, { type: 'unlock', by: bob, from: undefined })
    expect(await deployed(one, task, 0)).toMatchObject({ ok: true })
  })

  it('are written by whoever has them alone', async () => {
    const lease = await store.leases.acquire('env:acme/fenced:production', 'x', 60_000, [])
    const fence = {
      table: 'lease',
      name: 'env:acme/fenced:production',
      token: String(Number(lease?.token) - 1),
    } as const
    const row = rowOf('fenced-1', 'acme/fenced', 'a')
    await store.releases.save(row)
    await expect(store.releases.goLive(row, new Date(), fence)).rejects.toThrow(Fenced)
    expect(await store.releases.live('acme/fenced', 'production')).toBeUndefined()
  })

  /** An engine as a process of its own has it, over a target that takes its time and writes down what is live. */
  function engine(): Releases {
    const leases = leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 60_000, log: () => {} })
    const none = () => Promise.reject(new Error('not asked here'))
    return releaseEngine({
      git: git(),
      tools: none,
      targets: targetsOf({ 'local-process': slowTarget(store) }),
      metrics: async () => [],
      facts: { standing: none, checks: none },
      settings: async () => current,
      environments: store.environments,
      hold: leases.acquire.bind(leases),
      now: Date.now,
      sleep: () => pause(2),
      log: () => {},
    })
  }
})

function git(): Git {
  const stub: Partial<Git> = {
    resolve: async (_repository, ref) => ref,
    isAncestor: async () => true,
    treeOf: async () => 'tree',
    log: async () => [],
  }
  return stub as Git
}

const rowOf = (id: string, repository: string, sha: string): ReleaseRow => ({
  id,
  repository,
  environment: 'production',
  sha,
  taskId: 't',
  status: 'starting',
  port: undefined,
  pid: undefined,
  startedTick: undefined,
  dir: '/nowhere',
  command: { start: 'x', health: '/', publicPort: 1, env: {} },
  detail: undefined,
  liveAt: undefined,
})

function slowTarget(store: Store): Target {
  return {
    url: () => 'http://127.0.0.1:1',
    current: async ({ repository, name }) => (await store.releases.live(repository, name))?.sha,
    observe: async (id) => ((await store.releases.get(id)) ? { state: 'unfinished' } : { state: 'absent' }),
    async apply({ environment, releaseId, sha, mayAct, fence }) {
      const row = rowOf(releaseId, environment.repository, sha)
      await store.releases.save(row)
      await pause(Math.random() * 3)
      mayAct()
      await store.releases.goLive(row, new Date(), fence)
    },
    log: async () => '',
    probe: async () => true,
    samples: async () => [],
    measuredSince: async () => undefined,
  }
}

/** A task whose deploy is planned and approved. */
async function approved(engine: Releases | undefined, repository: string, nth: number): Promise<Task> {
  const d = new Driver(
    opened({
      id: `${repository}-${nth}`,
      workflow: 'deploy',
      origin: { ...origin, repository: { ...origin.repository, name: repository } },
    }),
    'not run',
  )
  d.say({ verb: 'deploy', environment: 'production', ref: `${nth}`.repeat(40) })
  const [release] = d.task.releases
  if (!engine || !release) throw new Error('nothing was asked for')
  // The people of this test live now.
  d.at = Date.now()
  d.step('release_plan', { kind: 'release_plan', ...plannedIn(await engine.plan(d.task, release)) })
  d.say({ verb: 'approve', sha: undefined }, bob)
  d.recorded(1)
  return d.task
}

async function deployed(engine: Releases | undefined, task: Task, afterMs: number) {
  await pause(afterMs)
  const [release] = task.releases
  if (!engine || !release) throw new Error('nothing was approved')
  const result = await engine.deploy(task, release, new AbortController().signal, () => {})
  if (result.kind !== 'deployed') throw new Error(result.kind)
  return result.deployed
}
