import { afterEach, expect, it } from 'vitest'
import { type Asked, DONE, goodModel, type Reply, roleOf, SPEC } from '../support/model.ts'
import { type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

const LOG = `2026-11-30T02:00:01.0000000Z ##[group]Run npm run lint
2026-11-30T02:00:01.2000000Z ##[endgroup]
2026-11-30T02:00:02.1000000Z ##[error]src/catalogue.ts:17 no-number-calls
2026-11-30T02:00:02.2000000Z ##[error]Process completed with exit code 1.
2026-11-30T02:00:03.0000000Z Post job cleanup.
`
const FAILS_WITH_CHANGE = "! grep -q 'Number(a.from)' src/catalogue.ts"

const isTriage = ({ texts }: Asked) => texts.join('\n').includes('Checks of the team')

function judging(...rounds: readonly object[][]) {
  let round = 0
  return (asked: Asked): Reply =>
    isTriage(asked)
      ? { tools: [{ name: 'finish', input: { checks: rounds[Math.min(round++, rounds.length - 1)] } }] }
      : goodModel(asked)
}

async function ready(model: (asked: Asked) => Reply, options: SceneOptions = {}) {
  scene = await startScene({ model, ...options })
  const { people } = scene.stage
  const issue = await people.openIssue('alice', 'Orders of 10 bolts are charged wrong', 'See `loadCatalogue`.')
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await scene?.task())?.state.pullRequest?.draft).toBe(false)
  const number = (await scene.task()).state.pullRequest?.number ?? 0
  return { scene, people, world: scene.stage.world, number }
}

function saidOn({ stage: { world } }: Scene, number: number): string {
  const own = world.comments.filter(({ issue, user }) => issue === number && user === world.bot)
  return own.map(({ body }) => body).join('\n')
}

it('what the change broke is reproduced and mended; the log, its annotations and the change are shown to whoever judges', async () => {
  const lint = { name: 'lint', cause: 'ours', evidence: 'The rule no-number-calls', command: FAILS_WITH_CHANGE }
  let mended = false
  const model = judging([lint])
  const {
    scene: here,
    people,
    number,
  } = await ready((asked) => {
    if (!/The check "lint" failed/.test(asked.texts.join('\n'))) return model(asked)
    if (mended)
      return {
        tools: [{ name: 'finish', input: { title: 'Please the linter', summary: 's', notDone: '', answers: [] } }],
      }
    mended = true
    const edit = { path: 'src/catalogue.ts', old: 'Number(a.from) - Number(b.from)', new: '+a.from - +b.from' }
    return { tools: [{ name: 'edit', input: edit }] }
  })
  const annotations = [
    {
      path: 'src/catalogue.ts',
      start_line: 17,
      end_line: 17,
      start_column: null,
      end_column: null,
      annotation_level: 'failure',
      title: 'lint',
      message: 'Say + instead',
      raw_details: null,
      blob_href: 'http://x',
    },
  ]
  await people.failCheck(number, 'lint', '', { log: LOG, annotations })
  await soon(async () => (await here.task()).state.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'baseline done',
    'spec done',
    'design done',
    'build done',
    'prove done',
    'triage done',
    'rework done',
    'prove.2 done',
  ])
  const asked = here.model.asked.find(isTriage)?.texts[0] ?? ''
  expect(asked).toContain('src/catalogue.ts:17: Say + instead')
  expect(asked).toContain('error: src/catalogue.ts:17 no-number-calls')
  expect(asked).not.toContain('Post job cleanup')
  const rework =
    here.model.asked.find(({ texts }) => texts.join('\n').includes('The check "lint" failed'))?.texts[0] ?? ''
  expect(rework).toContain('It fails here as well, and passes without the change')
  expect(saidOn(here, number)).toContain('**this change broke it**')
})

it('a flaky job is run once more; when it fails again nobody calls it flaky, and what passes is forgotten', async () => {
  const flaky = { name: 'test (22)', cause: 'flaky', evidence: 'It waits for a port.', command: null }
  const { scene: here, people, world, number } = await ready(judging([flaky]))
  const run = await people.failCheck(number, 'test (22)', '', { log: LOG })
  await soon(() => world.reruns).toEqual([run])
  await people.failCheck(number, 'test (22)', '', { log: LOG })
  await soon(() => saidOn(here, number)).toContain('It was run once more, and failed again.')
  expect(world.reruns).toEqual([run])
  await people.failCheck(number, 'test (22)', '', { log: LOG })
  await soon(async () =>
    (await here.events())
      .filter(({ kind }) => kind === 'check_run.completed')
      .every(({ decision }) => decision !== null),
  ).toBe(true)
  expect((await here.task()).state.steps.filter(({ id }) => id.startsWith('triage')).length).toBe(2)
  await people.passCheck(number, 'test (22)')
  await soon(async () =>
    (await here.events()).find(({ decision }) => decision?.reason === 'check_passed'),
  ).toBeDefined()
})

it('what is red without the change costs no model; a status of another system counts as well', async () => {
  const { scene: here, people, world, number } = await ready(judging([]))
  const { baseSha } = (await here.task()).state as unknown as { baseSha: string }
  world.statuses.push({
    id: world.id(),
    sha: baseSha,
    state: 'failure',
    context: 'ci/jenkins',
    description: '',
    at: new Date().toISOString(),
  })
  await people.report(number, 'failure', 'ci/jenkins', 'Build 7 failed')
  await soon(() => saidOn(here, number)).toContain('red without this change as well')
  expect(saidOn(here, number)).not.toContain('ci.example')
  expect(here.model.asked.some(isTriage)).toBe(false)
  expect((await here.task()).state.steps.at(-1)?.id).toBe('triage')
})

it('a change of high risk is looked at by fresh eyes before it is proved, and what they show is mended first', async () => {
  const test = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFileSync } from 'node:fs'
test('says why', () => assert.match(readFileSync('src/catalogue.ts', 'utf8'), /By number/))
`
  const finding = {
    path: 'src/catalogue.ts',
    from: 17,
    to: 17,
    severity: 'high',
    title: 'Nobody is told why it is sorted so',
    detail: 'The next one will sort it as text again.',
    suggestion: '',
    replacement: null,
    test: { path: 'test/why.test.ts', content: test },
  }
  let isMended = false
  const model = (asked: Asked): Reply => {
    const text = asked.texts.join('\n')
    if (asked.texts.at(-1)?.includes('Look at the pull request.'))
      return { tools: [{ name: 'finish', input: { findings: [finding], looked: 'All.' } }] }
    if (text.includes('somebody who was not there looked at the change') && !isMended) {
      isMended = true
      const edit = {
        path: 'src/catalogue.ts',
        old: '  return catalogue\n',
        new: '  // By number.\n  return catalogue\n',
      }
      return { tools: [{ name: 'edit', input: edit }, DONE] }
    }
    const reply = goodModel(asked)
    return roleOf(asked) === 'pm' ? { tools: [{ name: 'finish', input: { ...SPEC, risk: 'high' } }] } : reply
  }
  const { scene: here } = await ready(model)
  expect((await here.task()).state.steps.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'baseline done',
    'spec done',
    'design done',
    'build done',
    'critique done',
    'rework done',
    'prove done',
  ])
  const told = here.model.asked.map(({ texts }) => texts[0] ?? '').find((text) => text.includes('was not there looked'))
  expect(told).toContain('This test (test/why.test.ts) fails because of it')
  expect(here.stage.world.reviews).toEqual([])
})
