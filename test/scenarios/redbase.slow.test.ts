import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { type Asked, DONE, FIX, goodModel, type Reply, roleOf, WRITE_TEST } from '../support/model.ts'
import { type Scene, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

const RED = `import assert from 'node:assert/strict'
import { test } from 'node:test'

test('was red before', () => assert.equal(1, 2))
`

/** The new test as it stands below an old one in the same file. */
const TEST_BODY = WRITE_TEST.input.content.split('\n').slice(2).join('\n')

/** A suite that is red on the base, and what becomes of a right fix. */
async function run(prepare: (folder: string) => void, model: (asked: Asked) => Reply = goodModel) {
  scene = await startScene({ prepare, model })
  const { stage } = scene
  const issue = await stage.people.openIssue('alice', 'Large orders get the wrong tier', '')
  await stage.people.label('alice', issue.number, 'muster')
  return { one: scene, stage }
}

it.each([
  ['in a file of its own', 'test/old.test.ts'],
  ['in the file that is changed', 'test/tiers.test.ts'],
])('does not make a right fix unprovable, and the pull request says what was red before: %s', async (_where, path) => {
  const { one, stage } = await run(
    (folder) => writeFileSync(join(folder, path), RED),
    (asked) =>
      roleOf(asked) === 'sd' && asked.turn === 1
        ? {
            tools: [
              {
                name: 'write',
                input: {
                  path: 'test/tiers.test.ts',
                  content: path === 'test/tiers.test.ts' ? `${RED}${TEST_BODY}` : WRITE_TEST.input.content,
                },
              },
              FIX,
            ],
          }
        : goodModel(asked),
  )
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  const pull = stage.world.issues.find(({ pull: it_ }) => it_ !== undefined)
  await soon(() => pull?.body ?? '').toContain('Red before the change')
  expect(pull?.body).toContain('was red before')
  expect(stage.world.checkRuns.at(-1)?.conclusion).toBe('success')
  expect(one.model.asked.filter((asked) => roleOf(asked) === 'sd')).toHaveLength(2)
})

it('a row in a fixture that the tests read is a test, and a change of comments is none', async () => {
  const rows = `import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadCatalogue } from '../src/catalogue.ts'
import { quote } from '../src/quote.ts'

for (const line of readFileSync(new URL('fixtures/quotes.csv', import.meta.url), 'utf8').trim().split('\\n'))
  test(line, () => {
    const [amount, total] = line.split(',').map(Number)
    assert.equal(quote(loadCatalogue(new URL('../data/prices.csv', import.meta.url)).get('bolt-m8') ?? [], amount ?? 0).total, total)
  })
`
  let finished = 0
  const { one } = await run(
    (folder) => {
      mkdirSync(join(folder, 'test/fixtures'))
      writeFileSync(join(folder, 'test/fixtures/quotes.csv'), '1,40\n')
      writeFileSync(join(folder, 'test/rows.test.ts'), rows)
    },
    (asked) => {
      if (roleOf(asked) !== 'sd') return goodModel(asked)
      if (asked.turn === 1) return { tools: [FIX, DONE] }
      finished++
      return {
        tools: [{ name: 'write', input: { path: 'test/fixtures/quotes.csv', content: '1,40\n12,384\n' } }, DONE],
      }
    },
  )
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  // Without the row it was sent back.
  expect(finished).toBe(1)
})

it('a criterion that is unclear keeps it from being proved, pays no rework, and asks a person', async () => {
  const { one, stage } = await run(
    () => {},
    (asked) =>
      roleOf(asked) === 'qa'
        ? {
            tools: [
              {
                name: 'finish',
                input: {
                  criteria: [{ number: 1, met: 'unclear', evidence: 'no price is shown' }],
                  review: [],
                  remarks: '',
                },
              },
            ],
          }
        : goodModel(asked),
  )
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  await soon(() => stage.world.checkRuns.at(-1)?.conclusion).toBe('neutral')
  const pull = stage.world.issues.find(({ pull: it_ }) => it_ !== undefined)
  await soon(() => pull?.body ?? '').toContain('a person decides')
  expect(one.model.asked.filter((asked) => roleOf(asked) === 'sd')).toHaveLength(2)
})

it('work that ends at a limit is kept, and goes on from there', async () => {
  let tries = 0
  const { one, stage } = await run(
    (folder) =>
      writeFileSync(join(folder, '.github/muster.yml'), 'approve_plan: never\nplanning: apart\nlimits: { turns: 5 }\n'),
    (asked) => {
      if (roleOf(asked) !== 'sd') return goodModel(asked)
      if (asked.turn === 1) tries++
      if (tries === 1 && asked.turn > 1) return { tools: [{ name: 'run', input: { command: 'true' } }] }
      return tries > 1 && asked.turn === 1 ? { tools: [DONE] } : goodModel(asked)
    },
  )
  const told = () => stage.world.comments.map(({ body }) => body).join('\n')
  await soon(told).toContain('used up its turns')
  expect(told()).toContain('is kept on a branch of its own')
  await soon(async () => (await one.task()).state.wip !== undefined).toBe(true)
  const [first] = one.model.asked.filter((asked) => roleOf(asked) === 'sd')
  expect(first?.texts.join()).toContain('You have at most 5 turns')
  await stage.people.comment('alice', 1, '@muster retry')
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
})
