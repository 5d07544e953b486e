import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openStorage } from '../../src/operate/storage.ts'
import { readJob } from '../../src/queue/jobs.ts'
import type { ServerChild } from '../../rehearsal/child.ts'
import { verifyExport } from '../../src/store/export.ts'
import { openLite } from '../../src/store/lite.ts'
import type { Exported } from '../../src/store/types.ts'
import { type Cell, cellModel, cellsOf, GATES, type TaskFound } from '../support/cells.ts'
import { SANDBOX } from '../support/isolation.ts'
import { testModel } from '../support/model.ts'
import { restoreDatabase } from '../support/restore.ts'
import { openTown, rememberTown, type Town } from '../support/town.ts'

vi.setConfig({ testTimeout: 900_000 })

/** What version 0.4 left behind when its process was killed, recorded from it by `test/fixtures/record.ts`. */
const FOLDER = fileURLToPath(new URL('../fixtures/0.4/', import.meta.url))
const zipped = (name: string): unknown => JSON.parse(gunzipSync(readFileSync(join(FOLDER, name))).toString())
const cells = JSON.parse(readFileSync(join(FOLDER, 'cells.json'), 'utf8')) as Cell[]

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

describe('what the version before left behind', () => {
  it('is read: its archives verify, and its jobs are known', () => {
    const archives = zipped('archive.json.gz') as Exported[]
    expect(archives.length).toBeGreaterThan(0)
    for (const one of archives) expect(verifyExport(one)).toMatchObject({ ok: true, problems: [] })
    const jobs = JSON.parse(readFileSync(join(FOLDER, 'jobs.json'), 'utf8')) as { data: unknown }[]
    for (const { data } of jobs) expect(readJob(data)).toMatchObject({ kind: 'job' })
  })

  it('replays: every history folds to the state that was stored, and every chain holds', async () => {
    const dataDir = await restored()
    const storage = await openStorage({ databaseUrl: undefined, dataDir })
    try {
      const { items } = await storage.store.tasks.list({ limit: 200, cursor: undefined })
      expect(items).toHaveLength(cells.length)
      for (const { id } of items) {
        const exported = await storage.store.tasks.export(id)
        if (!exported) throw new Error(`${id} is gone`)
        expect({ id, ...verifyExport(exported) }).toMatchObject({ ok: true, problems: [] })
      }
    } finally {
      await storage.close()
    }
  })

  it('goes on: every gate of every workflow, decided in the channel where it was asked', async () => {
    const town = await openTown()
    ends.push(() => town.close())
    rememberTown(town, FOLDER)
    await restored(town)
    const model = await testModel(cellModel(() => true))
    ends.push(() => model.close())
    const server = await town.start({
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: 'test-key-of-the-model',
      MUSTER_SANDBOX: SANDBOX,
    })
    ends.push(() => server.stop())
    await goOn(town, server)
  })
})

/** The database as it was, in a folder of its own or in the town's. */
async function restored(town?: Town): Promise<string> {
  const dataDir = town?.dataDir ?? aFolder()
  mkdirSync(dataDir, { recursive: true })
  const lite = await openLite(dataDir)
  await restoreDatabase(lite.sql, zipped('database.json.gz') as Record<string, object[]>)
  await lite.close()
  return dataDir
}

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'muster-previous-'))
  ends.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** What is to come of a cell once somebody has decided. */
const COMES: Readonly<Record<string, (task: TaskFound) => boolean>> = {
  'question change': (task) => task.state.gate?.kind === 'plan',
  'question question': (task) => task.state.outcome === 'answered',
  'plan change': (task) => task.state.pullRequest?.draft === false,
  'deploy change': (task) => task.state.releases.at(-1)?.report !== undefined,
  'deploy deploy': (task) => task.state.releases.at(-1)?.report !== undefined,
  'budget change': (task) => task.state.gate?.kind === 'plan',
  'budget question': (task) => task.state.outcome === 'answered',
  'baseline change': (task) => task.state.gate?.kind === 'plan',
}

async function goOn(town: Town, server: ServerChild): Promise<void> {
  const { find, say } = cellsOf(town, server)
  const found = async (cell: Cell, what: string, holds: (task: TaskFound) => boolean) => {
    let last: TaskFound | undefined
    await expect
      .poll(async () => (last = await find(cell)) !== undefined && holds(last), { timeout: 240_000, interval: 500 })
      .toBe(true)
      .catch((error: unknown) => {
        throw new Error(
          `${cell.name}: not ${what}; ${JSON.stringify([last?.status, last?.state.gate, last?.state.releases, last?.state.steps])}`,
          { cause: error },
        )
      })
  }
  const elsewhere = (name: string) => cells.filter(({ gate }) => gate === name)
  // What was running is resumed and what was parked is tried again, by themselves.
  for (const cell of elsewhere('running')) await found(cell, 'resumed', (task) => task.state.gate?.kind === 'plan')
  for (const cell of elsewhere('parked')) {
    await say(cell, '@muster retry')
    await found(cell, 'unparked', (task) => task.state.gate?.kind === 'plan')
  }
  for (const cell of elsewhere('failed')) {
    await say(cell, '@muster retry')
    await found(cell, 'tried again', (task) => task.state.gate?.kind === 'plan')
  }
  // One after the other: an environment has one port.
  for (const { gate, workflow, say: words } of GATES)
    for (const cell of cells.filter((one) => one.gate === gate && one.workflow === workflow)) {
      await found(cell, `at ${gate}`, (task) => task.state.gate?.kind === gate)
      await say(cell, words)
      await found(cell, `past ${gate}`, COMES[`${gate} ${workflow}`] ?? (() => false))
    }
  await expect.poll(async () => undecided(server)).toEqual([])
  // Nothing was shown twice: each issue that Muster writes on has one status comment.
  const { world } = town.stage
  for (const { number } of world.issues) {
    const cards = world.comments.filter((one) => one.issue === number && one.body.includes('### Muster: '))
    expect({ number, cards: Math.min(1, cards.length) }).toEqual({ number, cards: cards.length })
  }
}

async function undecided(server: ServerChild): Promise<unknown[]> {
  const { items } = (await server.get('/events?limit=1000')) as { items: { decision: unknown }[] }
  return items.filter(({ decision }) => decision === null)
}
