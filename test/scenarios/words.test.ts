import { afterEach, describe, expect, it, vi } from 'vitest'
import { Shapes } from '../../src/rehearsal/github/shapes.ts'
import type { Stage } from '../../src/rehearsal/stage.ts'
import { goodModel, roleOf, SPEC } from '../support/model.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

const PLANNED = () => 'approve_plan: always\nreview: { quiet: 1s }\n'

const said = ({ world }: Stage, number: number) =>
  world.comments.filter((one) => one.issue === number && one.user === world.bot).map((one) => one.body)

describe('what people say in a thread', () => {
  let scene: Scene | undefined
  const start = async (options: SceneOptions = {}) => (scene = await startScene(options))
  afterEach(async () => {
    await scene?.stop()
    scene = undefined
  })

  async function atPlan(options: SceneOptions = {}) {
    const started = await start({ settings: PLANNED, ...options })
    const { people } = started.stage
    const issue = await people.openIssue('alice', 'Wrong price', 'Twelve bolts cost too much.')
    await people.label('alice', issue.number, 'muster')
    await soon(async () => (await started.task()).state.gate?.kind, 60_000).toBe('plan')
    const told = () => said(started.stage, issue.number)
    const reasons = async () => (await started.events()).map((one) => one.decision?.reason)
    return { ...started, people, number: issue.number, told, reasons }
  }

  it('several commands in one comment are carried out in order, and each is answered', async () => {
    const { people, number, told, events, task } = await atPlan()
    await people.comment('bob', number, '@muster cost\n@muster approve\n@muster status\n@muster deploy nowhere')
    await soon(async () => (await task()).state.gate?.kind).toBe(undefined)
    const whole = async () =>
      (await events()).find((one) => one.decision?.reason === 'several')?.decision?.detail ?? 'not decided yet'
    await soon(whole).toMatch(
      /1\. accepted: cost.*2\. accepted: plan_approved.*3\. accepted: status.*4\. refused: unknown_environment/,
    )
    for (const answer of ['so far.', 'No environment is set up', ' of $5.00 · '])
      await soon(() => told().join()).toContain(answer)
  })

  it('thanks, near approvals and typos cost nothing and change nothing; a wish says what it costs', async () => {
    const { people, number, told, model, reasons, task } = await atPlan()
    const asked = model.asked.length
    for (const text of [
      '@muster thanks!',
      '@muster lgtm',
      '@muster looks good',
      '@muster aprove',
      '@muster stop',
      'cc @muster',
      'nice',
    ])
      await people.comment('bob', number, text)
    await soon(async () => (await reasons()).filter((one) => one === 'unclear').length).toBe(5)
    expect(model.asked.length).toBe(asked)
    expect((await task()).state.gate?.kind).toBe('plan')
    await soon(() => told().filter((one) => one.includes('Nothing was approved')).length).toBe(2)
    await people.comment('bob', number, '@muster use cents instead')
    await soon(() => told().join()).toContain('which costs about')
    await soon(() => model.asked.length, 30_000).toBeGreaterThan(asked)
  })

  it('an issue that only speaks of Muster is told how to begin, once, and only its own people', async () => {
    const { stage, model } = await start()
    const issue = await stage.people.openIssue('alice', 'Wrong price', 'Twelve bolts cost too much.')
    for (const [who, text] of [
      ['carol', 'Hey @muster, can you fix this please?'],
      ['alice', 'as @muster said'],
      ['alice', 'Hey @muster, can you fix this please?'],
      ['bob', 'Could you, @muster?'],
    ] as const)
      await stage.people.comment(who, issue.number, text)
    await soon(() => said(stage, issue.number)).toEqual([expect.stringContaining('@muster build')])
    expect(model.asked).toEqual([])
  })

  it('a bystander’s reply answers no question, and nobody tells them anything', async () => {
    let questions = ['Per item, or per order?']
    const model = (asked: Parameters<typeof goodModel>[0]) =>
      roleOf(asked) === 'pm' && questions.length > 0
        ? { tools: [{ name: 'finish', input: { ...SPEC, questions } }] }
        : goodModel(asked)
    const { stage, task, events } = await start({ model })
    const issue = await stage.people.openIssue('alice', 'Wrong price', 'Twelve bolts cost too much.')
    await stage.people.label('alice', issue.number, 'muster')
    await soon(async () => (await task()).state.gate?.kind, 40_000).toBe('question')
    questions = []
    await soon(() => said(stage, issue.number).join()).toContain('Per item, or per order?')
    const before = said(stage, issue.number).length
    for (const [who, text] of [
      ['carol', 'I have that as well.'],
      ['bob', 'Good question.'],
      ['alice', '@bob what would you say?'],
      ['alice', 'Thanks!'],
    ] as const)
      await stage.people.comment(who, issue.number, text)
    await soon(
      async () => (await events()).filter((one) => one.decision?.reason === 'no_trigger').length,
    ).toBeGreaterThanOrEqual(4)
    expect((await task()).state.gate?.kind).toBe('question')
    expect(said(stage, issue.number)).toHaveLength(before)
    await stage.people.comment('alice', issue.number, 'Per item.')
    await soon(async () => (await events()).map((one) => one.decision?.reason)).toContain('answered')
  })

  it('a closed issue ends its work, where whoever closes it may; words to what has ended are told what begins anew', async () => {
    const { stage, people, number, told, task, reasons } = await atPlan()
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
    const { people, number, told, task } = await atPlan()
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
})
