import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { backup, restore } from '../../src/operate/backup.ts'
import { archive } from '../../src/upkeep/archive.ts'
import { openStorage } from '../../src/operate/storage.ts'
import { decide } from '../../src/core/deciding/decide.ts'
import { verifyExport } from '../../src/store/export.ts'
import type { Exported } from '../../src/store/types.ts'
import { copyTemplate } from '../support/scene.ts'
import { opened, said } from '../support/tasks.ts'

const dirs: string[] = []
const folder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-keep-'))
  dirs.push(dir)
  return dir
}
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
})
const by = { actor: 'github:1:alice', reason: 'test' }
const open = (dataDir: string) => openStorage({ databaseUrl: undefined, dataDir })

it('a backup is restored elsewhere, and the work goes on there; a broken one changes nothing', async () => {
  const [from, to, out] = [folder(), folder(), folder()]
  copyTemplate(from)
  const first = await open(from)
  const start = opened({ id: 'kept', conversationId: await first.store.conversations.at('github:9#5') })
  await first.store.tasks.commit({
    ...by,
    task: start.task,
    basedOn: 0,
    events: start.events,
    effects: start.effects,
    at: 1000,
  })
  await first.close()
  const said_: string[] = []
  const print = (line: string) => void said_.push(line)
  const file = join(out, 'muster.tar.gz')
  const noServer = () => Promise.reject(new Error('no server runs'))
  await backup({ MUSTER_DATA: from }, file, noServer, print)
  expect(readdirSync(out)).toEqual(['muster.tar.gz'])
  await restore({ MUSTER_DATA: to }, file, false, print)
  await expect(restore({ MUSTER_DATA: to }, file, false, print)).rejects.toThrow('already')
  writeFileSync(join(out, 'nonsense'), 'not a backup')
  await expect(restore({ MUSTER_DATA: to }, join(out, 'nonsense'), true, print)).rejects.toThrow(
    'cannot be read as a backup',
  )
  await restore({ MUSTER_DATA: to }, file, true, print)
  expect(said_.at(-1)).toContain('before-restore')
  const again = await open(to)
  const loaded = await again.store.tasks.load('kept')
  expect(loaded?.task).toEqual(JSON.parse(JSON.stringify(start.task)))
  const next = decide(start.task, said({ verb: 'request', text: 'go on' }), 2000)
  await again.store.tasks.commit({
    ...by,
    task: next.task,
    basedOn: 1 + start.events.length - 1,
    chain: loaded?.chain,
    events: next.events,
    effects: next.effects,
    at: 2000,
  })
  const exported = await again.store.tasks.export('kept')
  expect(exported && verifyExport(exported)).toMatchObject({ ok: true, problems: [] })
  await again.close()
})

it('a running server that has the database open is asked for the backup', async () => {
  const [from, out] = [folder(), folder()]
  copyTemplate(from)
  const running = await open(from)
  let asked = 0
  const fromServer = async () => {
    asked++
    return running.dump ? running.dump() : new Blob([])
  }
  await backup({ MUSTER_DATA: from }, join(out, 'b.tar.gz'), fromServer, () => {})
  expect(asked).toBe(1)
  await running.close()
  await restore({ MUSTER_DATA: folder() }, join(out, 'b.tar.gz'), false, () => {})
})

it('old tasks and events go into compressed files, whole and verifiable, then out of the database; younger ones stay', async () => {
  const [data, out] = [folder(), folder()]
  copyTemplate(data)
  const storage = await open(data)
  const { store } = storage
  const day = 86_400_000
  const now = store.now()
  for (const [id, finishedAt] of [
    ['old', now - 40 * day],
    ['young', now - day],
    ['open', undefined],
  ] as const) {
    const at = finishedAt ?? now
    const start = opened({ id, conversationId: await store.conversations.at(`github:9#${id}`) }, at)
    const events = finishedAt === undefined ? start : decide(start.task, said({ verb: 'cancel', text: '' }), finishedAt)
    await store.tasks.commit({
      ...by,
      task: start.task,
      basedOn: 0,
      events: start.events,
      effects: start.effects,
      at,
    })
    if (finishedAt !== undefined)
      await store.tasks.commit({
        ...by,
        task: events.task,
        basedOn: start.task.version,
        events: events.events,
        effects: events.effects,
        at: finishedAt,
      })
  }
  const { id } = await store.inbox.insert({
    source: 'github',
    deliveryId: 'talk',
    kind: 'issues',
    body: Buffer.from('{"x":1}'),
  })
  await store.inbox.decide(id, { outcome: 'ignored', reason: 'no_trigger', detail: '' }, {})
  expect(await archive(store.archive, { tasks: 30, events: undefined }, out, now)).toEqual({ tasks: 1, events: 0 })
  expect(await archive(store.archive, { tasks: 30, events: 1 }, out, now + 2 * day)).toEqual({ tasks: 0, events: 1 })
  const left = (await store.tasks.list({ limit: 10, cursor: undefined })).items.map((task) => task.id)
  expect(left.toSorted()).toEqual(['open', 'young'])
  expect((await store.tasks.events('old', { limit: 10, cursor: undefined })).items).toEqual([])
  const lines = (prefix: string) =>
    readdirSync(out)
      .filter((name) => name.startsWith(prefix))
      .flatMap((name) =>
        gunzipSync(readFileSync(join(out, name)))
          .toString()
          .trim()
          .split('\n'),
      )
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const [kept] = lines('tasks') as unknown as Exported[]
  expect(kept?.task['id']).toBe('old')
  expect(kept && verifyExport(kept)).toMatchObject({ ok: true })
  expect(lines('events')).toMatchObject([
    { delivery_id: 'talk', body_base64: Buffer.from('{"x":1}').toString('base64') },
  ])
  await storage.close()
})

it('a changed history is found out', async () => {
  const data = folder()
  copyTemplate(data)
  const storage = await open(data)
  const start = opened({ id: 'forged', conversationId: await storage.store.conversations.at('github:9#8') })
  await storage.store.tasks.commit({ ...by, task: start.task, basedOn: 0, events: start.events, effects: [], at: 1000 })
  const exported = await storage.store.tasks.export('forged')
  if (!exported) throw new Error('no export')
  expect(verifyExport(exported)).toEqual({ ok: true, problems: [], events: start.events.length, unchained: 0 })
  const forged = exported.events.map((row, index) => (index === 0 ? { ...row, actor: 'github:2:mallory' } : row))
  expect(verifyExport({ ...exported, events: forged }).problems[0]).toContain('event 1')
  expect(verifyExport({ ...exported, events: exported.events.slice(0, -1) }).ok).toBe(false)
  expect(
    verifyExport({ ...exported, task: { ...exported.task, state: { ...start.task, status: 'done' } } }).problems,
  ).toContain('replaying the events gives another state than the stored one')
  await storage.close()
})
