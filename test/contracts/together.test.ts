import { beforeAll, expect, it } from 'vitest'
import { decide } from '../../src/core/deciding/decide.ts'
import type { Fence } from '../../src/leases/types.ts'
import { verifyExport } from '../../src/store/export.ts'
import { type Commit, Conflict, Fenced, Settled, type Store } from '../../src/store/types.ts'
import { onEachDatabase } from '../support/eachdatabase.ts'
import { opened, origin, said } from '../support/tasks.ts'

const by = { actor: 'a', reason: 'r', at: 1000 }

await onEachDatabase('what is written together,', (name, theStore) => {
  let store: Store
  beforeAll(() => {
    store = theStore()
  })

  /** A task that is there, and what its next commit would be. */
  async function begun(id: string): Promise<Commit> {
    const start = opened({ id, conversationId: await store.conversations.at(`place of ${id}`) })
    const { task, events, effects } = start
    const chain = await store.tasks.commit({ ...by, task, basedOn: 0, events, effects })
    const next = decide(task, said({ verb: 'request', text: 'one more' }), 2000)
    return {
      ...by,
      at: 2000,
      chain,
      task: next.task,
      basedOn: task.version,
      events: next.events,
      effects: next.effects,
    }
  }
  const lease = async (lease: string): Promise<Fence> => {
    const got = await store.leases.acquire(lease, 'me|1|1|x', 60_000, [])
    if (!got) throw new Error('no lease')
    return { table: 'lease', name: lease, token: got.token }
  }
  const event = async (id: string) =>
    (await store.inbox.insert({ source: 'api', deliveryId: id, kind: 'x', body: Buffer.from('') })).id
  const turnOf = (taskId: string) => ({
    taskId,
    step: 'spec',
    attempt: 1,
    ordinal: 1,
    model: 'm',
    response: { text: 'NUL \0 and half an emoji \ud83d' },
    results: [],
    inputTokens: 1,
    outputTokens: 2,
    costUsd: 0.5,
    provider: 'openai',
    tier: 'general',
    reason: 'general',
    ms: 12,
    cacheReadTokens: 1,
    cacheWriteTokens: 0,
    prompt: 'pm@12345678',
    opening: null,
  })

  // With one that the database refuses, each is tried alone.
  for (const isRefused of [false, true])
    it(`each commit has its own fate, and takes nobody along${isRefused ? ', beside one that is refused' : ''}`, async () => {
      const as = (id: string) => `${id}-${name}-${isRefused}`
      const [fine, stale, fenced, released, decided, late, turn, again, linked] = await Promise.all([
        begun(as('fine')),
        begun(as('stale')),
        begun(as('fenced')),
        begun(as('released')),
        begun(as('decided')),
        begun(as('late')),
        begun(as('turn')),
        begun(as('again')),
        begun(as('linked')),
      ])
      const [lost, mine] = [await lease(as('lost')), await lease(as('mine'))]
      await store.leases.release(lost)
      const [open, settled] = [await event(as('open')), await event(as('settled'))]
      const decision = { outcome: 'accepted', reason: 'started', detail: '' } as const
      await store.inbox.decide(settled, decision, {})
      const before = (await store.tasks.get(again.task.id)) ?? again.task
      await store.tasks.commit({ ...again, events: [], effects: [], task: before, turn: turnOf(before.id) })
      const fresh = opened({ id: as('new'), conversationId: as('c-new') })
      const { task: nowhere, ...refusal } = await begun(as('refused'))
      const refused = {
        ...refusal,
        task: { ...nowhere, conversationId: 'a conversation that is not there' },
        links: [as('refused place')],
      }
      const fates: readonly (readonly [commit: Commit, error: unknown])[] = [
        [fine, undefined],
        [
          { ...stale, basedOn: stale.basedOn + 5, chain: stale.chain && { ...stale.chain, seq: stale.basedOn + 5 } },
          Conflict,
        ],
        [{ ...fenced, fence: lost }, Fenced],
        [{ ...released, fence: mine, release: true }, undefined],
        [{ ...decided, inbound: { id: open, decision } }, undefined],
        [{ ...late, inbound: { id: settled, decision } }, Settled],
        [{ ...turn, turn: turnOf(turn.task.id) }, undefined],
        [{ ...again, turn: turnOf(again.task.id) }, Settled],
        [{ ...linked, links: [as('place'), as('place')] }, undefined],
        [{ ...by, task: fresh.task, basedOn: 0, events: fresh.events, effects: fresh.effects }, undefined],
        ...(isRefused ? ([[refused, expect.any(Function)]] as const) : []),
      ]
      const versions = new Map(
        await Promise.all(
          fates.map(async ([{ task }]) => [task.id, (await store.tasks.get(task.id))?.version] as const),
        ),
      )
      const ended = await Promise.allSettled(fates.map(([commit]) => store.tasks.commit(commit)))
      expect(ended.map((one) => (one.status === 'rejected' ? (one.reason as Error).constructor : undefined))).toEqual(
        fates.map(([, error]) => error),
      )
      for (const [{ task, effects }, error] of fates) {
        const exported = await store.tasks.export(task.id)
        const version = error === undefined ? task.version : versions.get(task.id)
        expect(exported?.task['version']).toBe(version)
        expect(exported && verifyExport(exported)).toMatchObject({ ok: true, events: version })
        // All that it wants to have said, or nothing of it.
        const keys = exported?.effects.map((effect) => effect['key'])
        if (error === undefined) expect(keys).toEqual(expect.arrayContaining(effects.map(({ key }) => key)))
        expect(exported?.turns).toHaveLength(task === turn.task || task === again.task ? 1 : 0)
      }
      expect(await store.leases.holder(as('mine'))).toBeUndefined()
      expect((await store.inbox.get(open))?.event).toMatchObject({
        task: decided.task.id,
        decision: { reason: 'started' },
      })
      expect((await store.inbox.get(settled))?.event.task).toBeUndefined()
      const [saved] = await store.turns.all(turn.task.id)
      expect(saved).toMatchObject({ response: { text: 'NUL \ufffd and half an emoji \ufffd' }, costUsd: 0.5 })
      expect(await store.conversations.find(as('place'))).toBe(linked.task.conversationId)
    })

  it('of many that decide on the same state, one wins, and the others are told', async () => {
    const commit = await begun(`same-${name}`)
    const ended = await Promise.allSettled(Array.from({ length: 12 }, () => store.tasks.commit(commit)))
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of ended) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(Conflict)
  })

  it('leases go to one each, whoever asks for which at the same time', async () => {
    const names = ['l1', 'l2', 'l3', 'l1', 'l2', 'l1']
    const got = await Promise.all(names.map((one, n) => store.leases.acquire(one, `h${n}|1|1|x`, 60_000, [])))
    expect(got.map((one) => one !== undefined)).toEqual([true, true, true, false, false, false])
    expect(new Set(got.flatMap((one) => (one ? [one.token] : []))).size).toBe(3)
    // Each holder is dead only to whoever knows it.
    const again = await Promise.all([
      store.leases.acquire('l1', 'n|1|1|x', 60_000, ['h0|1|1|x']),
      store.leases.acquire('l2', 'n|1|1|x', 60_000, ['h0|1|1|x']),
      store.leases.acquire('l3', 'n|1|1|x', 60_000, ['h2|1|1|x'], 1),
    ])
    expect(again.map((one) => one?.crashes)).toEqual([1, undefined, undefined])
  })

  it('effects of many lanes are marked, settled and left, each by whoever holds its lane', async () => {
    const comment = {
      kind: 'comment',
      place: { repository: { ...origin.repository, installationId: 777 }, number: 5 },
      document: [],
    } as const
    for (const lane of ['w1', 'w2', 'w3', 'w4'])
      await store.effects.add(lane, lane, undefined, [{ key: 'x', body: comment }])
    const query = {
      holder: 'me',
      dead: [],
      without: ['github:7'],
      perAccount: 9,
      ttlMs: 60_000,
      limit: 9,
      now: new Date(store.now() + 5000),
    }
    const lanes = (await store.effects.claim(query))
      .filter(({ account }) => account === 'github:777')
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    expect(lanes.map(({ name: lane }) => lane)).toEqual(['w1', 'w2', 'w3', 'w4'])
    const fenceOf = ({ name: lane, token }: (typeof lanes)[number], isMine = true): Fence => ({
      table: 'effect_lane',
      name: lane,
      token: isMine ? token : '1',
    })
    const sent = await Promise.allSettled(
      lanes.map((lane, n) => store.effects.markSent(lane.effects[0]?.id ?? '', fenceOf(lane, n !== 2))),
    )
    expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    // Something more is said in the second; the third is somebody else's; of the fourth there may be more to read.
    await store.effects.add('w2', 'w2', undefined, [{ key: 'y', body: comment }])
    const left = await Promise.allSettled(
      lanes.map((lane, n) =>
        store.effects.finish(
          lane.effects[0]?.id ?? '',
          1,
          { id: n },
          fenceOf(lane, n !== 2),
          n === 3 ? undefined : lane,
        ),
      ),
    )
    expect(left.map((one) => (one.status === 'fulfilled' ? one.value : 'lost'))).toEqual([true, false, 'lost', false])
    const now = await Promise.all(lanes.map(({ name: lane }) => store.effects.lane(lane)))
    expect(now.map(({ effects }) => effects.map(({ key, status }) => `${key} ${status}`))).toEqual([
      [],
      ['y intent'],
      ['x intent'],
      [],
    ])
    const due = new Date(store.now() + 60_000)
    const gone = await Promise.all(
      lanes.map((lane, n) =>
        store.effects.leave(
          { ...lane, bumps: n === 1 ? (now[1]?.bumps ?? '') : lane.bumps },
          n === 1 ? due : undefined,
        ),
      ),
    )
    expect(gone).toEqual([false, true, true, true])
  })

  it('what is looked up together is told apart', async () => {
    const ids = await Promise.all(['e1', 'e2', 'e3'].map((id) => event(`${id}-${name}`)))
    await Promise.all(ids.map((id, n) => store.inbox.setLane(id, n < 2 ? `lane-${name}` : `other-${name}`)))
    const [one, none, both, first] = await Promise.all([
      store.inbox.waiting([`other-${name}`], 5),
      store.inbox.waiting(['nowhere'], 5),
      store.inbox.waiting([`other-${name}`, `lane-${name}`], 5),
      store.inbox.waiting([`lane-${name}`], 1),
    ])
    expect([one, none, both, first].map((list) => list?.map((stored) => ids.indexOf(stored.event.id)))).toEqual([
      [2],
      [],
      [0, 1, 2],
      [0],
    ])
    const found = await Promise.all([...ids, 'nobody'].map((id) => store.inbox.get(id)))
    expect(found.map((stored) => stored?.event.deliveryId)).toEqual([
      `e1-${name}`,
      `e2-${name}`,
      `e3-${name}`,
      undefined,
    ])
  })
})
