import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StepResult, TaskCommand } from '../../src/core/deciding/commands.ts'
import { readySteps } from '../../src/core/task/schedule.ts'
import { verifyExport } from '../../src/store/export.ts'
import { createEngine } from '../../src/workflow/engine.ts'
import type { Workflow } from '../../src/workflow/types.ts'
import { runs } from '../support/amount.ts'
import { embedded, type TestDatabase } from '../support/databases.ts'
import { alice, baseline, bob, design, opened, patch, proof, releasePlan, said, spec } from '../support/tasks.ts'

/** Decisions that cross: whichever comes first, the history says one thing (security.md 13, 54, 55; reliability.md R19). */
const ROUNDS = runs(1000, 30)

describe('races', { timeout: 900_000 }, () => {
  let db: TestDatabase
  let workflow: Workflow
  let clock = 1_000_000
  beforeAll(async () => {
    db = await embedded()
    const { store } = db.storage
    workflow = createEngine({
      now: () => clock,
      random: Math.random,
      isDown: () => false,
      log: () => {},
      store,
      queue: { add: async () => {} },
      sleep: async () => {},
      cause: () => undefined,
      onCommit: () => {},
    })
  })
  afterAll(() => db.drop())

  const say = (id: string, verb: Parameters<typeof said>[0], by = alice) =>
    workflow.apply(id, said(verb, by, (clock += 1500)))

  async function step(id: string, result: StepResult): Promise<void> {
    const task = await workflow.get(id)
    const next = task && readySteps(task)[0]
    if (!next) throw new Error('no step is ready')
    clock += 10
    await workflow.apply(id, { type: 'step.start', step: next.id })
    await workflow.apply(id, { type: 'step.result', step: next.id, attempt: next.attempt + 1, result })
  }

  /** A task whose plan waits for approval. */
  async function planned(): Promise<string> {
    const conversationId = await db.storage.store.conversations.at(`github:9#${randomUUID()}`)
    const { events } = opened({ id: randomUUID(), conversationId, forcePlanGate: true })
    const { task } = await workflow.open(events, { outcome: 'accepted', reason: 'test', detail: '' }, 'test')
    await step(task.id, { kind: 'baseline', baseline: baseline() })
    await step(task.id, { kind: 'spec', spec: spec() })
    await step(task.id, { kind: 'design', design: design() })
    return task.id
  }

  /** One whose deploy waits for approval. */
  async function releasing(): Promise<string> {
    const id = await planned()
    await say(id, { verb: 'approve', sha: undefined })
    await step(id, { kind: 'patch', patch: patch() })
    const push = {
      kind: 'git.push',
      place: { repository: opened().task.origin.repository, number: 5 },
      branch: 'b',
      parentSha: 'base',
      diff: 'x',
      message: 'm',
      at: 1,
      step: 'build',
      wip: false,
    } as const
    await workflow.apply(id, {
      type: 'effect.done',
      key: 'push',
      kind: 'git.push',
      result: { sha: 'head1' },
      body: push,
    })
    await workflow.apply(id, {
      type: 'effect.done',
      key: 'pr',
      kind: 'pr.open',
      result: { number: 6, nodeId: 'n', url: 'http://x' },
      body: { kind: 'pr.open', place: push.place, branch: 'b', base: 'main', title: 't' },
    })
    await step(id, { kind: 'proof', proof: proof('head1', true) })
    await workflow.apply(id, { type: 'merged', by: alice, sha: 'merge1' })
    await say(id, { verb: 'deploy', environment: 'production', ref: undefined })
    await step(id, { kind: 'release_plan', plan: releasePlan('merge1') })
    return id
  }

  const shuffled = <T>(all: readonly T[]) =>
    all
      .map((one) => [Math.random(), one] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, one]) => one)

  /** All at once, in any order; then what holds whatever came first. */
  async function cross(id: string, commands: readonly TaskCommand[]) {
    await Promise.all(shuffled(commands).map((command) => workflow.apply(id, command)))
    const exported = await db.storage.store.tasks.export(id)
    if (!exported) throw new Error('the task is gone')
    expect(verifyExport(exported)).toMatchObject({ ok: true, problems: [] })
    const { items } = await db.storage.store.tasks.events(id, { limit: 1000, cursor: undefined })
    const types = items.map(({ event }) => event.type)
    const ended = types.indexOf('task.cancelled')
    // After the end nothing begins, and nobody approves.
    if (ended >= 0)
      expect(
        types.slice(ended).filter((type) => /^(step\.(added|started)|gate\.(opened|approved))$/.test(type)),
      ).toEqual([])
    return { types, items, task: await workflow.get(id) }
  }
  const approval = (by = alice, sha?: string): TaskCommand => said({ verb: 'approve', sha }, by, (clock += 1500))

  it('two approvals and a cancellation: one approval at most, and nothing after the end', async () => {
    let both = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { types, task } = await cross(await planned(), [
        approval(alice),
        approval(bob),
        said({ verb: 'cancel', text: '' }, alice, (clock += 1500)),
      ])
      const approved = types.filter((type) => type === 'gate.approved').length
      expect(approved).toBeLessThanOrEqual(1)
      expect(task?.status).toBe('cancelled')
      both += approved
    }
    // Both orders happened.
    expect(both).toBeGreaterThan(0)
  })

  it('an approval and words about the plan: either the plan is approved, or it is written again', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { types, task } = await cross(await planned(), [
        approval(),
        said({ verb: 'request', text: 'and mind the rope' }, bob, (clock += 1500)),
      ])
      const approved = types.includes('gate.approved')
      const amended = types.includes('gate.answered')
      expect([approved, amended].filter(Boolean)).toHaveLength(1)
      const build = task?.steps.find(({ kind }) => kind === 'build')
      expect(build !== undefined).toBe(approved)
      if (amended) expect(task?.approvals.filter(({ gate }) => gate === 'plan')).toEqual([])
    }
  })

  it('approvals, a push and a rejection around a deploy: at most one deploy, of what was approved', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { types, items, task } = await cross(await releasing(), [
        approval(bob, 'merge1'),
        approval(bob),
        approval(alice),
        { type: 'pushed', headSha: 'evil' },
        said({ verb: 'reject', text: 'no' }, bob, (clock += 1500)),
      ])
      const approved = items.flatMap(({ event }) =>
        event.type === 'gate.approved' && event.gate === 'deploy' ? [event] : [],
      )
      expect(approved.length).toBeLessThanOrEqual(1)
      for (const one of approved) expect(one).toMatchObject({ sha: 'merge1', by: { id: bob.id } })
      const rejected = types.indexOf('gate.rejected')
      // What was rejected stays so, whether it had been approved before or not.
      if (rejected < 0) expect(approved).toHaveLength(1)
      else
        expect([types.indexOf('gate.approved', rejected), task?.approvals.length, task?.status]).toEqual([
          -1,
          1,
          'done',
        ])
      expect(task?.releases).toHaveLength(1)
      const exported = await db.storage.store.tasks.export(task?.id ?? '')
      expect((JSON.stringify(exported).match(/"key":"deployment:\d+"/g) ?? []).length).toBeLessThanOrEqual(1)
    }
  })
})
