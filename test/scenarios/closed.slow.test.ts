import { afterEach, expect, it, vi } from 'vitest'
import { Shapes } from '../../rehearsal/github/shapes.ts'
import { goodModel, roleOf, SPEC } from '../support/model.ts'
import { atPlan, said } from '../support/planned.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
const start = async (options: SceneOptions = {}) => (scene = await startScene(options))
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

it('a closed issue ends its work, where whoever closes it may; words to what has ended are told what begins anew', async () => {
  const { stage, people, number, told, task, reasons } = await atPlan(start)
  const { world, repo, github } = stage
  world.addAccount('board[bot]', 'Bot')
  for (const who of ['board[bot]', 'carol', 'carol']) await people.closeIssue(who, number)
  await soon(async () => (await reasons()).filter((one) => one === 'permission').length).toBe(3)
  await soon(() => told().filter((one) => one.includes('closed the issue; the work on it goes on.')).length).toBe(1)
  expect((await task()).state.gate?.kind).toBe('plan')
  // Told late of a closing, when the issue is open again: nothing ends.
  await people.reopenIssue('bob', number)
  const issue = world.issues.find((one) => one.number === number)
  if (!issue) throw new Error('no issue')
  await github.hooks.emit('issues', 'closed', repo, world.person('bob'), {
    issue: new Shapes(world).issue(issue, repo),
  })
  await soon(reasons).toContain('open_again')
  await people.closeIssue('bob', number)
  await soon(async () => (await task()).status).toBe('cancelled')
  await soon(() => told().at(-1)).toMatch(/bob closed the issue, so this work has ended. Cost: /)
  expect(told().filter((one) => one.includes('**Cancelled** by bob'))).toHaveLength(1)
  await people.comment('alice', number, '@muster and the totals too')
  await soon(() => told().at(-1)).toContain('`@muster build` with what is wanted begins new work here.')
  // Of an issue that nobody asked for anything in, nothing is said.
  const other = await stage.people.openIssue('alice', 'Another', 'x')
  await people.closeIssue('alice', other.number)
  await soon(async () => (await scene?.events())?.map((one) => `${one.kind} ${one.decision?.reason}`)).toContain(
    'issues.closed no_task',
  )
  expect(said(stage, other.number)).toEqual([])
})

it('a second approval is told who gave the first', async () => {
  const { people, number, told, task } = await atPlan(start)
  await people.comment('bob', number, '@muster approve')
  await soon(async () => (await task()).state.gate).toBe(undefined)
  await people.comment('alice', number, '@muster approve')
  await soon(() => told().join()).toContain(
    'Nothing is waiting for an approval right now. The plan was approved by bob',
  )
})

it('whoever wrote the issue is asked, and may answer; a person looks at the plan that comes of it', async () => {
  const model = (asked: Parameters<typeof goodModel>[0]) =>
    roleOf(asked) === 'pm' && !asked.texts.join().includes('Per item')
      ? { tools: [{ name: 'finish', input: { ...SPEC, questions: ['By what?'] } }] }
      : goodModel(asked)
  const { stage, task } = await start({ model, settings: () => 'approve_plan: high\n' })
  const issue = await stage.people.openIssue('carol', 'Wrong price', 'Twelve bolts cost too much.')
  await stage.people.label('bob', issue.number, 'muster')
  await soon(() => said(stage, issue.number).join()).toContain('bob or carol just replies')
  await stage.people.comment('carol', issue.number, 'Per item.')
  await soon(() => said(stage, issue.number).join()).toContain('**Answered** by carol')
  await soon(async () => (await task()).state.gate?.kind).toBe('plan')
  await stage.people.comment('carol', issue.number, '@muster approve')
  await soon(() => said(stage, issue.number).join()).toContain('Sorry carol, only people with write permission')
  expect((await task()).state.gate?.kind).toBe('plan')
})
