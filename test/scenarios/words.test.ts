import { afterEach, describe, expect, it, vi } from 'vitest'
import { goodModel, roleOf, SPEC } from '../support/model.ts'
import { atPlan, said } from '../support/planned.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

describe('what people say in a thread', () => {
  let scene: Scene | undefined
  const start = async (options: SceneOptions = {}) => (scene = await startScene(options))
  afterEach(async () => {
    await scene?.stop()
    scene = undefined
  })

  it('several commands in one comment are carried out in order, and each is answered', async () => {
    const { people, number, told, events, task } = await atPlan(start)
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
    const { people, number, told, model, reasons, task } = await atPlan(start)
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
    await soon(() => model.asked.length).toBeGreaterThan(asked)
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
    await soon(async () => (await task()).state.gate?.kind).toBe('question')
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
})
