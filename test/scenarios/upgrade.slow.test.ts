import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { openStorage } from '../../src/operate/storage.ts'
import { brokenLink } from '../../src/core/chain.ts'
import { canonicalJson } from '../../src/core/hash.ts'
import { evolve } from '../../src/core/task/evolve.ts'
import { readTask, type StoredTask } from '../../src/core/task/stored.ts'
import type { Task, TaskEvent } from '../../src/core/task/types.ts'
import { openLite } from '../../src/store/lite.ts'
import { ISSUE } from '../../rehearsal/texts.ts'
import { ServerChild } from '../../rehearsal/child.ts'
import { taskOf, waitFor } from '../../rehearsal/observe.ts'
import { setStage } from '../../rehearsal/stage.ts'
import { SANDBOX } from '../support/isolation.ts'
import { restoreDatabase } from '../support/restore.ts'

vi.setConfig({ testTimeout: 480_000 })

/** What version 0.1.0 left behind, recorded from it: the histories of a whole journey, and a database in the middle of one. */
const file = (name: string) => fileURLToPath(new URL(`../fixtures/0.1.0/${name}`, import.meta.url))
/** The story as it was told then: the task goes on in the middle of it. */
const STORY = file('tiers.json')

interface Recorded {
  readonly state: StoredTask
  readonly events: readonly {
    readonly seq: number
    readonly type: string
    readonly at: string
    readonly data: object
  }[]
}

it('replays the histories that version 0.1.0 wrote, to the states it stored', () => {
  const journeys = JSON.parse(readFileSync(file('history.json'), 'utf8')) as Recorded[]
  expect(journeys).toHaveLength(2)
  for (const { state, events } of journeys) {
    let task: Task | undefined
    for (const { type, at, data } of events) task = evolve(task, { type, ...data } as TaskEvent, Date.parse(at))
    // Who decided last is known since 0.4 only; everything else is as it was stored.
    const { settled: _, ...rest } = task ?? {}
    expect(JSON.parse(canonicalJson(rest))).toEqual(JSON.parse(canonicalJson(readTask(state))))
  }
})

/** Rows as they were, into a database that is migrated as far as that version was. */
async function bringBack(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true })
  const lite = await openLite(dataDir)
  await restoreDatabase(
    lite.sql,
    JSON.parse(readFileSync(file('running.json'), 'utf8')) as Record<string, object[]>,
    '0001',
  )
  await lite.close()
}

it('goes on with a task that a 0.1.0 process left in the middle of a step, paying for none of its turns again', async () => {
  const stage = await setStage()
  const dataDir = join(stage.dir, 'data')
  await bringBack(dataDir)
  // The issue of then, on a platform that tells of nothing: what is known stands in the database.
  await stage.people.openIssue('alice', ISSUE.title, ISSUE.body)
  const server = await ServerChild.start(stage, {
    MUSTER_SCRIPT: STORY,
    MUSTER_SANDBOX: SANDBOX,
  })
  try {
    const before = await taskOf(server, 1)
    const plan = await waitFor(server, 1, 'plan', (task) => task.state.gate?.kind === 'plan', 240_000)
    expect(plan.state.steps.map((step) => [step.id, step.status])).toEqual([
      ['spec', 'done'],
      ['design', 'done'],
    ])
    // Three turns of the spec, two of the design: the ones of then are not asked for again.
    expect(plan.state.steps.map((step) => step.turns)).toEqual([3, 2])
    expect(before?.id).toBe(plan.id)
    await expect
      .poll(
        () => stage.world.comments.filter((one) => one.user === stage.world.bot && one.body.includes('approve')).length,
        { timeout: 20_000 },
      )
      .toBeGreaterThan(0)
  } finally {
    await server.stop()
  }
  const storage = await openStorage({ databaseUrl: undefined, dataDir })
  try {
    const [{ id } = { id: '' }] = (await storage.store.tasks.list({ limit: 1, cursor: undefined })).items
    const { items } = await storage.store.tasks.events(id, { limit: 1000, cursor: undefined })
    expect(items.some((item) => item.hash === undefined)).toBe(true)
    expect(items.at(-1)?.hash).toHaveLength(64)
    const links = items.map(({ seq, at, event: { type, ...data }, actor, reason, hash }) => ({
      taskId: id,
      seq,
      type,
      data: JSON.parse(JSON.stringify(data)) as unknown,
      at: at.getTime(),
      actor: actor ?? null,
      reason: reason ?? null,
      hash: hash ?? null,
    }))
    expect(brokenLink(links, (await storage.store.tasks.load(id))?.chain)).toBeUndefined()
  } finally {
    await storage.close()
    await stage.close()
  }
})

it('migrates in a way that the version before can live with: nothing is dropped, renamed or newly wanted', () => {
  const sql = readFileSync(
    fileURLToPath(new URL('../../prisma/migrations/0002_many_workers/migration.sql', import.meta.url)),
    'utf8',
  ).replaceAll(/--.*$/gm, '')
  expect(sql).not.toMatch(/\b(DROP|RENAME|TRUNCATE)\b/i)
  expect(sql).not.toMatch(/ALTER COLUMN/i)
  // Every new column of an old table is nullable or has a default.
  for (const [column] of sql.matchAll(/ADD COLUMN\s+[^,;]+/g))
    if (/NOT NULL/.test(column)) expect(column).toMatch(/DEFAULT|BIGSERIAL/)
})
