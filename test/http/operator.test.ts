import { afterAll, beforeAll, expect, it } from 'vitest'
import { environmentEvents, listEnvironments, verifyEnvironment } from '../../src/cli/environments.ts'
import { exportTask, listLetters, settleLetter, showLetter, verifyTask, type Remote } from '../../src/cli/remote.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

let scene: Scene
let remote: Remote
const printed: string[] = []
const print = (line: string) => void printed.push(line)
beforeAll(async () => {
  scene = await startScene()
  remote = { url: scene.url, token: undefined }
})
afterAll(() => scene.stop())
const get = async (path: string) =>
  (await fetch(`${scene.url}/api/v1${path}`)).json() as Promise<Record<string, unknown>>

it('verifies and exports a task; its history says who and why', async () => {
  const issue = await scene.stage.people.openIssue('alice', 'Totals are wrong', 'See the totals.')
  await scene.stage.people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene.task(issue.number)).state.spec?.title).toBeDefined()
  await scene.stage.people.comment('alice', issue.number, '@muster cancel')
  await soon(async () => (await scene.task(issue.number)).status).toBe('cancelled')
  const { id } = await scene.task(issue.number)
  expect(await verifyTask(remote, id, print)).toBe(true)
  expect(printed.at(-1)).toMatch(/^✓ \d+ events: the chain holds/)
  const { items } = (await get(`/tasks/${id}/events`)) as {
    items: { type: string; actor: string; reason: string; hash: string }[]
  }
  expect(items[0]).toMatchObject({ type: 'task.opened', reason: 'started' })
  expect(items[0]?.actor).toMatch(/^github:\d+:alice$/)
  expect(items.some((item) => item.actor === 'muster:pm' && item.reason === 'spec_written')).toBe(true)
  expect(items.every((item) => /^[0-9a-f]{64}$/.test(item.hash))).toBe(true)
  printed.length = 0
  await exportTask(remote, id, print)
  const exported = JSON.parse(printed[0] ?? '') as {
    task: { id: string }
    events: unknown[]
    turns: unknown[]
    effects: unknown[]
    inbound: unknown[]
  }
  expect(exported.task.id).toBe(id)
  expect(exported.events).toHaveLength(items.length)
  for (const list of [exported.turns, exported.effects, exported.inbound]) expect(list.length).toBeGreaterThan(0)
  await expect(verifyTask(remote, 'no-such-task', print)).rejects.toThrow('no such task')
})

it('what GitHub refuses for good is a dead letter that can be looked at, tried again and given up', async () => {
  const issue = await scene.stage.people.openIssue('alice', 'Talk', 'Just talk.')
  const { world } = scene.stage
  const kept = world.issues.splice(world.issues.indexOf(issue), 1)
  // The issue is gone by the time that it is answered.
  await scene.stage.github.hooks.emit('issue_comment', 'created', scene.stage.repo, world.person('alice'), {
    issue: {
      number: issue.number,
      title: 'Talk',
      body: '',
      user: { id: world.person('alice').id, login: 'alice' },
      html_url: 'http://x',
      created_at: new Date().toISOString(),
    },
    comment: {
      id: 424242,
      user: { id: world.person('alice').id, login: 'alice' },
      body: '@muster help',
      created_at: new Date().toISOString(),
    },
  })
  const letters = async () => ((await get('/dead-letters')) as { items: { id: string; what: string }[] }).items
  await soon(async () => (await letters()).map((one) => one.what)).toContain('comment')
  const [letter] = (await letters()).filter((one) => one.what === 'comment')
  printed.length = 0
  await listLetters(remote, print)
  expect(printed.join('\n')).toContain(letter?.id)
  await showLetter(remote, letter?.id ?? '', print)
  expect(printed.at(-1)).toContain('"stored"')
  world.issues.push(...kept)
  await settleLetter(remote, letter?.id ?? '', 'retry', print)
  await soon(() => world.comments.filter((one) => one.issue === issue.number && one.user === world.bot).length).toBe(1)
  expect((await letters()).some((one) => one.id === letter?.id)).toBe(false)
  for (const { id } of await letters()) await settleLetter(remote, id, 'drop', print)
  expect(await letters()).toEqual([])
  await expect(settleLetter(remote, 'nothing', 'drop', print)).rejects.toThrow('no such dead letter')
})

it('lists the processes at work; gives no backup away without a token', async () => {
  const { items } = (await get('/processes')) as { items: { kind: string }[] }
  expect(items).toMatchObject([{ kind: 'start', version: 'test' }])
  const answer = await fetch(`${scene.url}/api/v1/backup`)
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('MUSTER_API_TOKEN') })
})

it('tells of environments: how they stand, what happened, and whether that is what was written', async () => {
  printed.length = 0
  await listEnvironments(remote, print)
  expect(printed).toEqual(['Nothing has been deployed yet, and nothing is locked.'])
  const issue = await scene.stage.people.openIssue('alice', 'Lock', 'Just talk.')
  await scene.stage.people.comment('alice', issue.number, '@muster lock production a release party')
  const repository = `${scene.stage.repo.owner.login}/${scene.stage.repo.name}`
  const state = async () => (await get(`/environments/${repository}/production`)) as { lock?: { by: string } | null }
  await soon(async () => (await state()).lock?.by).toBe('alice')
  printed.length = 0
  await listEnvironments(remote, print)
  expect(printed[1]).toContain(`${repository}  production`)
  expect(printed[1]).toContain('nothing live')
  expect(printed[1]).toContain('locked by alice: a release party')
  printed.length = 0
  await environmentEvents(remote, repository, 'production', print)
  expect(printed[1]).toMatch(/lock\.set\s+github:\d+:alice\s+locked/)
  expect(await verifyEnvironment(remote, repository, 'production', print)).toBe(true)
  expect(printed.at(-1)).toBe('✓ 2 events: the chain holds, and replaying them gives the stored state.')
  await expect(verifyEnvironment(remote, repository, 'staging', print)).rejects.toThrow('no such environment')
  await expect(verifyEnvironment(remote, 'shop', 'production', print)).rejects.toThrow('`shop` is no repository')
})
