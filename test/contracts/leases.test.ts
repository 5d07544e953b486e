import { beforeAll, expect, it } from 'vitest'
import { decide } from '../../src/core/deciding/decide.ts'
import { FULL } from '../../src/core/rate.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { Lost } from '../../src/leases/types.ts'
import { sharedLimiter } from '../../src/outbox/limiter.ts'
import { Fenced, Settled, type Store } from '../../src/store/types.ts'
import { processName } from '../../src/telemetry/process.ts'
import { onEachDatabase } from '../support/eachdatabase.ts'
import { opened, origin, said } from '../support/tasks.ts'

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

await onEachDatabase('leases and fences', (name, theStore) => {
  let store: Store
  beforeAll(() => {
    store = theStore()
  })
  const keeper = (ttlMs = 60_000) => leaseKeeper({ store, kind: 'test', version: 'test', ttlMs, log: () => {} })

  it('go to one of many, and to the next when they are given back; the token grows', async () => {
    const keepers = Array.from({ length: 5 }, () => keeper())
    const claims = await Promise.all(keepers.map((one) => one.acquire('a')))
    const [first, ...others] = claims.filter((claim) => claim !== undefined)
    expect(others).toEqual([])
    await first?.release()
    const next = await keepers[4]?.acquire('a')
    expect(Number(next?.fence.token)).toBeGreaterThan(Number(first?.fence.token))
    expect(next?.crashes).toBe(0)
    await next?.release()
  })

  it('are taken from a process that ended, which counts as a crash; not from one that lives', async () => {
    const mine = keeper()
    // A process of this machine that is gone: no such pid.
    const [host = ''] = processName().split('|')
    const ghost = `${host}|4194000|1|dead`
    expect(await store.leases.acquire('b', ghost, 60_000, [])).toMatchObject({ crashes: 0 })
    const claim = await mine.acquire('b')
    expect(claim?.crashes).toBe(1)
    expect(await keeper().acquire('b')).toBeUndefined()
    // What got further is suspected no more: the next crash is the first one again.
    await claim?.progressed()
    await claim?.postpone()
    const next = await mine.acquire('b')
    expect(next?.crashes).toBe(0)
    await next?.release()
    expect((await mine.acquire('b'))?.crashes).toBe(0)
  })

  it('that ran out count as a crash too, where whoever had them says nothing any more', async () => {
    const there = { host: 'other', kind: 'test', version: 'test' }
    // On another machine: nothing but its silence tells.
    await store.leases.acquire('far', 'other|1|1|gone', 1, [])
    await pause(20)
    expect((await keeper().acquire('far'))?.crashes).toBe(1)
    // One that lives has only lost it: it stalled, or the database was away.
    await store.processes.beat({ id: 'other|1|1|lives', ...there })
    await store.leases.acquire('near', 'other|1|1|lives', 1, [])
    await pause(20)
    expect((await keeper().acquire('near'))?.crashes).toBe(0)
    await store.processes.leave('other|1|1|lives')
  })

  it('run out when they are not prolonged, and whoever had them knows', async () => {
    const slow = keeper(300)
    const claim = await slow.acquire('c')
    expect(claim?.isMine()).toBe(true)
    await pause(400)
    expect(claim?.isMine()).toBe(false)
    const other = await keeper().acquire('c')
    expect(other).toBeDefined()
    await slow.start()
    await expect.poll(() => claim?.signal.reason).toBeInstanceOf(Lost)
    await slow.stop()
  })

  it('are prolonged while the work goes on', async () => {
    const busy = keeper(600)
    await busy.start()
    const claim = await busy.acquire('d')
    await pause(1500)
    expect(claim?.isMine()).toBe(true)
    expect(await keeper().acquire('d')).toBeUndefined()
    await busy.stop()
    // On a machine that stalled, it was lost rather than given back: then it runs out.
    await expect.poll(() => keeper().acquire('d')).toBeDefined()
  })

  it('let nobody write whose claim was taken over', async () => {
    const old = await keeper(1).acquire('e')
    await pause(20)
    const fresh = await keeper().acquire('e')
    if (!old || !fresh) throw new Error('no claims')
    const conversation = await store.conversations.at('github:9#77')
    const start = opened({ id: `fenced-${name}`, conversationId: conversation })
    const commit = {
      task: start.task,
      basedOn: 0,
      events: start.events,
      effects: [],
      at: 1000,
      actor: 'a',
      reason: 'r',
    }
    await expect(store.tasks.commit({ ...commit, fence: old.fence })).rejects.toThrow(Fenced)
    expect(await store.tasks.get(start.task.id)).toBeUndefined()
    const chain = await store.tasks.commit({ ...commit, fence: fresh.fence })
    const next = decide(start.task, said({ verb: 'request', text: 'x' }), 2000)
    const second = { ...commit, task: next.task, basedOn: start.task.version, chain, events: next.events }
    await expect(store.tasks.commit({ ...second, fence: old.fence })).rejects.toThrow(Fenced)
    // The last write of a piece of work gives the claim back with it.
    await store.tasks.commit({ ...second, fence: fresh.fence, release: true })
    expect(await store.leases.holder('e')).toBeUndefined()
    const turn = { taskId: start.task.id, step: 'spec', attempt: 1, ordinal: 1 }
    await expect(store.turns.saveResults(turn, [], old.fence)).rejects.toThrow(Fenced)
  })

  it('an event is decided once, together with what follows from it', async () => {
    const { id } = await store.inbox.insert({
      source: 'github',
      deliveryId: `once-${name}`,
      kind: 'issues',
      body: Buffer.from('{}'),
    })
    const inbound = { id, decision: { outcome: 'accepted', reason: 'started', detail: '' } as const }
    const commits = [1, 2, 3].map((nth) => {
      const start = opened({ id: `twin-${nth}-${name}`, conversationId: 'twins' })
      return store.tasks.commit({
        task: start.task,
        basedOn: 0,
        events: start.events,
        effects: start.effects,
        at: 1000,
        actor: 'a',
        reason: 'r',
        inbound,
      })
    })
    const ended = await Promise.allSettled(commits)
    expect(ended.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of ended) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(Settled)
    expect(await store.tasks.count('twins')).toBe(1)
  })

  it('a lane goes to one process, in fair shares, and is not left while something came in', async () => {
    const comment = (key: string, installationId: number) => ({
      key,
      body: {
        kind: 'comment' as const,
        place: { repository: { ...origin.repository, installationId }, number: 5 },
        document: [],
      },
    })
    for (const lane of ['n1', 'n2', 'n3']) await store.effects.add(lane, lane, undefined, [comment('x', 501)])
    await store.effects.add('q1', 'q1', undefined, [comment('x', 502)])
    const query = {
      holder: 'me',
      dead: [],
      without: ['github:7'],
      perAccount: 8,
      ttlMs: 60_000,
      now: new Date(store.now() + 5000),
    }
    const two = await store.effects.claim({ ...query, limit: 2 })
    expect(two.map((lane) => lane.account).toSorted()).toEqual(['github:501', 'github:502'])
    const rest = await store.effects.claim({ ...query, holder: 'other', limit: 10 })
    expect(rest.map((lane) => lane.account)).toEqual(['github:501', 'github:501'])
    expect(await store.effects.claim({ ...query, holder: 'third', limit: 10 })).toEqual([])
    // What its holder left behind when it died is free.
    expect(await store.effects.claim({ ...query, holder: 'third', dead: ['other'], limit: 10 })).toHaveLength(2)
    const [lane] = two
    if (!lane) throw new Error('no lane')
    await store.effects.add(lane.name, lane.name, undefined, [comment('y', 501)])
    expect(await store.effects.leave(lane, undefined)).toBe(false)
    const { bumps, effects } = await store.effects.lane(lane.name)
    expect(effects.map((one) => one.key)).toEqual(['x', 'y'])
    expect(await store.effects.leave({ ...lane, bumps }, new Date(store.now() + 60_000))).toBe(true)
  })

  it('an account has its turn however much waits in the lanes of others', async () => {
    const body = (installationId: number) => ({
      kind: 'comment' as const,
      place: { repository: { ...origin.repository, installationId }, number: 5 },
      document: [],
    })
    const names = Array.from({ length: 1100 }, (_, n) => `crowd${n}`)
    await Promise.all(names.map((name) => store.effects.add(name, name, undefined, [{ key: 'x', body: body(601) }])))
    await store.effects.add('late', 'late', undefined, [{ key: 'x', body: body(602) }])
    const query = { holder: 'me', dead: [], ttlMs: 60_000, now: new Date(store.now() + 5000) }
    const without = ['github:7', 'github:501', 'github:502']
    const claim = async (perAccount: number, limit: number) =>
      (await store.effects.claim({ ...query, without, perAccount, limit })).map(({ account }) => account)
    expect((await claim(8, 2)).toSorted()).toEqual(['github:601', 'github:602'])
    expect(await claim(3, 10)).toEqual(['github:601', 'github:601', 'github:601'])
    without.push('github:601')
    expect(await claim(8, 10)).toEqual([])
  })

  it('what failed is a dead letter until it is tried again or given up', async () => {
    await store.effects.add('dead', 'dead', undefined, [
      {
        key: 'x',
        body: {
          kind: 'comment',
          place: { repository: { ...origin.repository, installationId: 503 }, number: 5 },
          document: [],
        },
      },
    ])
    const [lane] = await store.effects.claim({
      holder: 'me',
      dead: [],
      without: ['github:7', 'github:501', 'github:502'],
      perAccount: 8,
      limit: 5,
      ttlMs: 60_000,
      now: new Date(store.now() + 5000),
    })
    const [effect] = lane?.effects ?? []
    if (!lane || !effect) throw new Error('nothing to send')
    await store.effects.fail(effect.id, 'refused', { table: 'effect_lane', name: lane.name, token: lane.token })
    const page = { limit: 10, cursor: undefined }
    const letters = async () => (await store.deadLetters.list(page)).items.filter((one) => one.id === effect.id)
    expect(await letters()).toMatchObject([{ kind: 'effect', what: 'comment', error: 'refused' }])
    expect(await store.deadLetters.get(effect.id)).toMatchObject({ letter: { id: effect.id } })
    expect(await store.effects.reopen(effect.id)).toBe(true)
    expect(await letters()).toEqual([])
    expect((await store.effects.lane('dead')).effects).toMatchObject([{ status: 'intent', attempts: 0 }])
    expect(await store.deadLetters.drop(effect.id)).toBe(false)
  })

  it('token buckets are shared: two processes take no more than one could', async () => {
    const limits = () => ({ tries: { capacity: 10, perMinute: 1 } })
    const limiters = [1, 2, 3].map(() => sharedLimiter(store.rates, limits, () => 1_000_000))
    const waits = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => limiters[n % 3]?.take('acc', { tries: 1 })),
    )
    expect(waits.filter((wait) => wait === 0)).toHaveLength(10)
    await limiters[0]?.block('acc', 1_500_000)
    expect(await limiters[1]?.take('acc', {})).toBe(500_000)
    expect(FULL.blockedUntil).toBe(0)
  })
})
