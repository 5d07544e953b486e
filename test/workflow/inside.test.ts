import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Sender } from '../../src/channels/types.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import { statusCard } from '../../src/core/reply/card.ts'
import type { Task } from '../../src/core/task/types.ts'
import { leaseKeeper } from '../../src/leases/keeper.ts'
import { noLimiter } from '../../src/outbox/limiter.ts'
import { createOutbox } from '../../src/outbox/outbox.ts'
import type { Job } from '../../src/queue/types.ts'
import type { StepHandler } from '../../src/roles/types.ts'
import { isDatabaseDown } from '../../src/store/sql.ts'
import { withInside } from '../../src/workflow/inside.ts'
import { createEngine } from '../../src/workflow/engine.ts'
import { createStepRunner } from '../../src/workflow/runner.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import '../support/family.ts'
import { NOTHING_ELSE } from '../support/runner.ts'
import { alice, opened, said, settings } from '../support/tasks.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await embedded()
})
afterAll(() => db.drop())

const asked = (titles: readonly string[], kind: 'child' | 'parent') =>
  titles.map((title) => ({ workflow: `family/${kind}` as const, title, body: 'Some words.', request: 'please' }))

/** The real engine, runner, outbox and database; GitHub takes everything, and each effect is sent twice where that changes nothing. */
async function house(titles: readonly string[], work: StepHandler, below: 'child' | 'parent' = 'child') {
  const { store } = db.storage
  const log = () => {}
  const common = { now: store.now, random: () => 0.5, isDown: isDatabaseDown, log, sleep: async () => {} }
  const leases = leaseKeeper({ store, kind: 'test', version: 'test', ttlMs: 60_000, log })
  await leases.start()
  let issues = 100
  const outside: Sender = {
    costOf: () => ({}),
    lookUp: async () => undefined,
    send: async ({ kind }) =>
      kind === 'issue.open' ? { number: ++issues, url: `http://github.test/acme/shop/issues/${issues}` } : { id: 1 },
  }
  const sent: EffectBody['kind'][] = []
  const inside = withInside(outside, {
    workflow: () => workflow,
    store,
    environments: { apply: () => Promise.reject(new Error('no environment')) },
  })
  const sender: Sender = {
    ...inside,
    async send(body, context) {
      sent.push(body.kind)
      if (body.kind.startsWith('task.')) await inside.send(body, context)
      return inside.send(body, context)
    },
  }
  const jobs: Promise<void>[] = []
  const queue = {
    add: async (job: Job) => {
      if (job.name === 'step') jobs.push(runner.run(job.taskId, job.step, job.attempt))
    },
  }
  const workflow = createEngine({ ...common, store, queue, cause: () => undefined, onCommit: () => outbox.kick() })
  const outbox = createOutbox({
    ...common,
    store,
    workflow,
    sender,
    leases,
    limiter: noLimiter(),
    perAccount: 8,
    markerKey: 'key',
  })
  const runner = createStepRunner({
    ...common,
    ...NOTHING_ELSE,
    workflow,
    store,
    leases,
    handlerFor: (kind) => async (context) => {
      if (kind === 'family/work') return work(context)
      return kind === 'family/ask'
        ? { kind: 'children', children: asked(titles, below) }
        : { kind: 'artefact', artefact: 'sum' }
    },
  })
  outbox.start()
  const id = randomUUID()
  const conversationId = await store.conversations.at(`github:9#${id}`)
  const { events, decision } = opened({
    id,
    conversationId,
    workflow: 'family/parent',
    settings: { ...settings, budgetUsd: 4 },
  })
  await workflow.open(events.slice(0, 1), decision, 'test')
  const end = async () => {
    // Work that never ends is not waited for: the next house's messages are its own.
    await outbox.stop()
    await Promise.all(jobs)
    await runner.stop()
    await leases.stop()
  }
  return { id, workflow, sent, end, parent: async () => (await workflow.get(id)) as Task }
}

const childrenOf = (task: Task) => task.steps.flatMap(({ children = [] }) => children)

it('begins other tasks, each once, with an issue and a part of the budget; waits for all of them, and goes on with how they ended', async () => {
  let free = () => {}
  const may = new Promise<void>((done) => (free = done))
  const { parent, workflow, sent, end } = await house(['Front', 'Back'], async ({ task }) => {
    await may
    return { kind: 'artefact', artefact: task.origin.title }
  })
  await expect.poll(async () => childrenOf(await parent()).filter(({ url }) => url).length).toBe(2)
  const waiting = await parent()
  expect(waiting.steps.map(({ id, status }) => [id, status])).toEqual([['family/ask', 'running']])
  expect(childrenOf(waiting).map(({ title, budgetUsd }) => [title, budgetUsd])).toEqual([
    ['Front', 2],
    ['Back', 2],
  ])
  expect(JSON.stringify(statusCard(waiting, 0))).toContain('Waiting for other tasks')
  const first = await workflow.get(childrenOf(waiting)[0]?.id ?? '')
  expect(first).toMatchObject({
    workflow: 'family/child',
    budgetUsd: 2,
    origin: { number: expect.any(Number), title: 'Front', request: 'please' },
  })
  free()
  await expect.poll(async () => (await parent()).status).toBe('done')
  const done = await parent()
  expect(done.artefacts?.['family/ask']).toMatchObject([
    { title: 'Front', status: 'done', outcome: 'its part', costUsd: 0 },
    { title: 'Back', status: 'done' },
  ])
  expect(sent.filter((kind) => kind === 'issue.open')).toHaveLength(2)
  expect(sent.filter((kind) => kind === 'task.open')).toHaveLength(2)
  await end()
})

it('is told of one that was cancelled; cancelled itself, it ends those that are open', async () => {
  const { parent, id, workflow, end } = await house(['Front', 'Back'], () => new Promise(() => {}))
  await expect.poll(async () => childrenOf(await parent()).filter(({ url }) => url).length).toBe(2)
  const [front, back] = childrenOf(await parent()).map((child) => child.id)
  await workflow.apply(front ?? '', said({ verb: 'cancel', text: '' }))
  await expect.poll(async () => childrenOf(await parent())[0]?.ended?.status).toBe('cancelled')
  expect((await parent()).status).toBe('working')
  await workflow.apply(id, said({ verb: 'cancel', text: '' }))
  await expect.poll(async () => (await workflow.get(back ?? ''))?.status).toBe('cancelled')
  expect((await workflow.get(back ?? ''))?.origin.requester).toEqual(alice)
  void end()
})

it('that asks for none goes on at once, and too many are refused', async () => {
  const none = await house([], async () => ({ kind: 'artefact', artefact: 1 }))
  await expect.poll(async () => (await none.parent()).status).toBe('done')
  await none.end()
  const many = await house(
    Array.from({ length: 21 }, (_, n) => `T${n}`),
    async () => ({ kind: 'artefact', artefact: 1 }),
  )
  await expect.poll(async () => (await many.parent()).steps[0]?.status).toBe('failed')
  expect((await many.parent()).steps[0]?.error?.message).toContain('at most 20')
  await many.end()
})

it('ends where tasks would ask for their own kind without end: the third waits for none', async () => {
  const { parent, workflow, end } = await house(['Again'], () => new Promise(() => {}), 'parent')
  const below = async (task: Task | undefined) => workflow.get((task && childrenOf(task)[0]?.id) ?? '')
  const third = async () => below(await below(await parent()))
  await expect.poll(async () => (await third())?.steps[0]?.status).toBe('failed')
  expect((await third())?.steps[0]?.error).toMatchObject({ code: 'too_deep' })
  expect((await third())?.origin.parent?.depth).toBe(2)
  expect(childrenOf((await third()) as Task)).toEqual([])
  await end()
})
