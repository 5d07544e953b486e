import { beforeAll, expect, it } from 'vitest'
import { decide } from '../../src/core/deciding/decide.ts'
import { replay } from '../../src/core/task/evolve.ts'
import { brokenLink } from '../../src/core/chain.ts'
import { Conflict, Fenced, type Store, type TurnRow } from '../../src/store/types.ts'
import { onEachDatabase } from '../support/eachdatabase.ts'
import { opened, origin, said } from '../support/tasks.ts'

await onEachDatabase('the store', (name, theStore) => {
  let store: Store
  beforeAll(() => {
    store = theStore()
  })

  const undecided = async () => (await store.inbox.undecided(0, 1000)).map((one) => one.id)

  it('accepts a delivery once, however often it comes at the same time', async () => {
    const arrival = { source: 'github' as const, deliveryId: 'same', kind: 'issues', body: Buffer.from('{"a":1}') }
    const results = await Promise.all(Array.from({ length: 20 }, () => store.inbox.insert(arrival)))
    expect(results.filter((one) => !one.duplicate)).toHaveLength(1)
    const { items } = await store.inbox.list(
      { source: 'github', deliveryId: 'same' },
      { limit: 100, cursor: undefined },
    )
    expect(items).toHaveLength(20)
    expect(items.filter((one) => one.decision?.outcome === 'duplicate')).toHaveLength(19)
    const first = results.find((one) => !one.duplicate)
    expect(Buffer.from((await store.inbox.get(first?.id ?? ''))?.body ?? []).toString()).toBe('{"a":1}')
    expect(await undecided()).toEqual([first?.id])
    await store.inbox.decide(first?.id ?? '', { outcome: 'ignored', reason: 'x', detail: '' }, {})
    await store.inbox.decide(first?.id ?? '', { outcome: 'accepted', reason: 'late', detail: '' }, {})
    expect((await store.inbox.get(first?.id ?? ''))?.event.decision?.reason).toBe('x')
    expect(await undecided()).toEqual([])
  })

  it('keeps what became of each command of an event, decides it with the last, and forgets none when it is opened again', async () => {
    const { id } = await store.inbox.insert({
      source: 'clickup',
      deliveryId: 'parts',
      kind: 'x',
      body: Buffer.from(''),
    })
    const decision = (reason: string) => ({ outcome: 'accepted', reason, detail: '' }) as const
    const first = { nth: 0, isLast: false, earlier: [] }
    // The second try of the same one changes nothing.
    for (const reason of ['one', 'one again'])
      await store.inbox.decide(id, decision(reason), { part: first, kind: 'x.y' })
    const between = await store.inbox.get(id)
    expect(between?.parts.map(({ reason }) => reason)).toEqual(['one'])
    expect(between?.event).toMatchObject({ kind: 'x', decision: undefined })
    await store.inbox.decide(id, { outcome: 'refused', reason: 'failed', detail: '' }, {})
    expect(await store.inbox.reopen(id)).toBe(true)
    expect((await store.inbox.get(id))?.parts).toHaveLength(1)
    const last = { nth: 1, isLast: true, earlier: between?.parts ?? [] }
    for (const reason of ['two', 'late']) await store.inbox.decide(id, decision(reason), { part: last, kind: 'x.y' })
    expect((await store.inbox.get(id))?.event).toMatchObject({
      kind: 'x.y',
      decision: { outcome: 'accepted', reason: 'several', detail: '1. accepted: one; 2. accepted: two' },
    })
  })

  it('pages through events, newest first, without gaps or repeats', async () => {
    for (let n = 0; n < 7; n++)
      await store.inbox.insert({ source: 'api', deliveryId: `p${n}`, kind: 'x', body: Buffer.from('') })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.inbox.list({ source: 'api' }, { limit: 3, cursor })
      seen.push(...page.items.map((one) => one.deliveryId))
      cursor = page.next ?? undefined
    } while (cursor)
    expect(seen.toSorted()).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
    await expect(store.inbox.list({}, { limit: 3, cursor: 'nonsense' })).rejects.toThrow('cursor')
  })

  it('keeps state, history and effects together, and lets one of two writers win', async () => {
    const conversation = await store.conversations.at('github:9#5')
    expect(await store.conversations.at('github:9#5')).toBe(conversation)
    const start = opened({ id: `t-${name}`, conversationId: conversation })
    const by = { actor: 'github:1:alice', reason: 'test' }
    const chain = await store.tasks.commit({
      ...by,
      task: start.task,
      basedOn: 0,
      events: start.events,
      effects: start.effects,
      at: 1000,
    })
    const loaded = await store.tasks.get(start.task.id)
    expect(JSON.parse(JSON.stringify(loaded))).toEqual(JSON.parse(JSON.stringify(start.task)))
    const one = decide(start.task, said({ verb: 'request', text: 'one' }), 2000)
    const two = decide(start.task, said({ verb: 'request', text: 'two' }), 2000)
    const end = await store.tasks.commit({
      ...by,
      chain,
      task: one.task,
      basedOn: start.task.version,
      events: one.events,
      effects: one.effects,
      at: 2000,
    })
    await expect(
      store.tasks.commit({
        ...by,
        chain,
        task: two.task,
        basedOn: start.task.version,
        events: two.events,
        effects: two.effects,
        at: 2000,
      }),
    ).rejects.toThrow(Conflict)
    const { items } = await store.tasks.events(start.task.id, { limit: 100, cursor: undefined })
    const again = replay(items.map((item) => ({ event: item.event, at: item.at.getTime() })))
    expect(JSON.parse(JSON.stringify(again))).toEqual(JSON.parse(JSON.stringify(one.task)))
    expect((await store.tasks.latest(conversation))?.version).toBe(one.task.version)
    expect((await store.tasks.waiting(0, 10)).find((waiting) => waiting.id === start.task.id)?.work).toMatchObject([
      { kind: 'step', step: 'baseline', attempt: 1 },
    ])
    expect(await store.tasks.versions([start.task.id])).toEqual(new Map([[start.task.id, one.task.version]]))
    expect((await store.tasks.load(start.task.id))?.chain).toEqual(end)
    expect(end.seq).toBe(one.task.version)
    expect(items.every((item) => item.hash?.length === 64 && item.actor === 'github:1:alice')).toBe(true)
    // Whoever does not know the end of the chain (an older version wrote in between) finds it again.
    const three = decide(one.task, said({ verb: 'request', text: 'three' }), 3000)
    const commit = { ...by, task: three.task, basedOn: one.task.version, events: three.events, effects: [], at: 3000 }
    await store.tasks.commit({ ...commit, chain: undefined })
    const whole = await store.tasks.events(start.task.id, { limit: 100, cursor: undefined })
    const links = whole.items.map(({ seq, event: { type, ...data }, at, actor, reason, hash }) => ({
      taskId: start.task.id,
      seq,
      type,
      data: JSON.parse(JSON.stringify(data)) as unknown,
      at: at.getTime(),
      actor: actor ?? null,
      reason: reason ?? null,
      hash: hash ?? null,
    }))
    expect(brokenLink(links, (await store.tasks.load(start.task.id))?.chain)).toBeUndefined()
    expect(
      brokenLink(
        links.map((link) => (link.seq === 2 ? { ...link, actor: 'somebody else' } : link)),
        undefined,
      ),
    ).toContain('event 2')
    expect((await store.tasks.list({ limit: 10, cursor: undefined })).items[0]).toMatchObject({
      id: start.task.id,
      repository: 'acme/shop',
    })
    expect((await store.tasks.unfinished(10)).map(({ id }) => id)).toContain(start.task.id)
  })

  it('has one row for a thing that is edited, and none twice', async () => {
    const status = {
      key: 'status',
      body: { kind: 'status.upsert' as const, place: { repository: origin.repository, number: 5 } },
    }
    const comment = {
      key: 'c',
      body: { kind: 'comment' as const, place: { repository: origin.repository, number: 5 }, document: [] },
    }
    await store.effects.add('scope', 'conv', undefined, [status, comment])
    await store.effects.add('scope', 'conv', undefined, [status, comment])
    const mine = async () => [
      ...(await store.effects.lane('scope status')).effects,
      ...(await store.effects.lane('conv')).effects,
    ]
    const lanes = await store.effects.claim({
      holder: 'me',
      dead: [],
      without: [],
      perAccount: 8,
      limit: 50,
      ttlMs: 60_000,
      now: new Date(store.now() + 1000),
    })
    const fenceOf = (lane: string) => ({
      table: 'effect_lane' as const,
      name: lane,
      token: lanes.find((one) => one.name === lane)?.token ?? '0',
    })
    const [statusLane, commentLane] = [fenceOf('scope status'), fenceOf('conv')]
    expect((await mine()).map((one) => [one.key, one.revision])).toEqual([
      ['status', 2],
      ['c', 1],
    ])
    const [first, second] = await mine()
    await store.effects.markSent(first?.id ?? '', statusLane)
    await store.effects.finish(first?.id ?? '', 1, { id: 7 }, statusLane)
    expect((await mine())[0]).toMatchObject({ status: 'intent', result: { id: 7 } })
    await store.effects.finish(first?.id ?? '', 2, { id: 7 }, statusLane)
    await store.effects.fail(second?.id ?? '', 'no', commentLane)
    const late = { ...commentLane, token: String(Number(commentLane.token) - 1) }
    await expect(store.effects.fail(second?.id ?? '', 'late', late)).rejects.toThrow(Fenced)
    expect(await mine()).toEqual([])
    await store.effects.add('scope', 'conv', undefined, [status])
    expect((await mine()).map((one) => [one.key, one.revision])).toEqual([['status', 3]])
    expect((await mine())[0]?.result).toEqual({ id: 7 })
  })

  it('takes whatever a program may print: NUL, half an emoji', async () => {
    const place = { repository: origin.repository, number: 5 }
    await store.effects.add('odd', 'conv-odd', undefined, [
      { key: 'c', body: { kind: 'comment', place, document: [{ kind: 'paragraph', text: 'a\0b\ud83d' }] } },
    ])
    const [odd] = (await store.effects.lane('conv-odd')).effects
    expect(odd?.body).toMatchObject({ document: [{ text: 'a\ufffdb\ufffd' }] })
  })

  it('keeps turns, releases, traffic and values of the installation', async () => {
    expect(await store.instance.setOnce('k', 'first')).toBe('first')
    expect(await store.instance.setOnce('k', 'second')).toBe('first')
    const row = {
      id: 'r1',
      repository: 'acme/shop',
      environment: 'production',
      sha: 'abc',
      taskId: 't',
      status: 'live' as const,
      port: 1,
      pid: 2,
      startedTick: '3',
      dir: '/x',
      command: { start: 's', health: '/h', publicPort: 80, env: {} },
      detail: undefined,
      liveAt: new Date(5000),
    }
    await store.releases.save(row)
    expect(await store.releases.live('acme/shop', 'production')).toEqual(row)
    await store.releases.save({ ...row, status: 'retired' })
    expect(await store.releases.live('acme/shop', 'production')).toBeUndefined()
    const sample = { at: 1000, requests: 3, errors: 1, latency: { 4: 3 } }
    await store.releases.addSamples('acme/shop', 'production', 'abc', [sample])
    await store.releases.addSamples('acme/shop', 'production', 'abc', [sample])
    expect(await store.releases.samples('acme/shop', 'production', new Date(0), new Date(2000))).toEqual([
      { ...sample, sha: 'abc' },
    ])
    await store.ping()
  })

  it('adds up what models were asked, and what came of it', async () => {
    const by = { actor: 'github:1:alice', reason: 'test' }
    let nth = 0
    const task = async (model: string, merged: boolean, usd: number) => {
      const id = `usage-${name}-${++nth}`
      const start = opened({ id, conversationId: await store.conversations.at(`usage:${nth}`) })
      const turn: TurnRow = {
        taskId: id,
        step: 'build',
        attempt: 1,
        ordinal: 0,
        model,
        response: {},
        results: [],
        inputTokens: 1000,
        outputTokens: 100,
        costUsd: usd,
        provider: 'openai',
        tier: 'complex',
        reason: 'x',
        ms: nth * 1000,
        cacheReadTokens: 600,
        cacheWriteTokens: 100,
        prompt: 'sd@abc',
        opening: null,
      }
      const person = { id: 1, login: 'alice' }
      const ended = {
        ...start.task,
        status: merged ? ('done' as const) : ('handed_off' as const),
        finishedAt: store.now(),
        merged: merged ? { sha: 'abc', by: person, at: 1 } : undefined,
      }
      const commit = { ...by, task: { ...ended }, basedOn: 0, events: start.events, effects: [], at: store.now(), turn }
      await store.tasks.commit(commit)
    }
    await task('large', true, 2)
    await task('large', false, 1)
    await task('small', true, 0.5)
    const turns = await store.usage.turns(0)
    expect(turns.find(({ model }) => model === 'large')).toEqual({
      provider: 'openai',
      model: 'large',
      tier: 'complex',
      prompt: 'sd',
      turns: 2,
      inputTokens: 2000,
      cacheReadTokens: 1200,
      cacheWriteTokens: 200,
      outputTokens: 200,
      usd: 3,
      medianMs: 1500,
    })
    const outcomes = await store.usage.outcomes(0)
    expect(outcomes.map(({ model, tasks, merged, failed }) => [model, tasks, merged, failed])).toEqual([
      ['large', 2, 1, 1],
      ['small', 1, 1, 0],
    ])
    expect(await store.usage.turns(store.now() + 60_000)).toEqual([])
    expect(await store.usage.outcomes(store.now() + 60_000)).toEqual([])
  })
})
