import { execFileSync } from 'node:child_process'
import { afterEach, expect, it, vi } from 'vitest'
import { type Asked, DESIGN, goodModel, type Reply, roleOf } from '../support/model.ts'
import { QUICK, type Scene, type SceneOptions, soon, startScene } from '../support/scene.ts'

vi.setConfig({ testTimeout: 360_000 })

let scene: Scene | undefined
afterEach(async () => {
  await scene?.stop()
  scene = undefined
})

const test = (name: string, value: string) => `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ${name} } from '../src/${name}.ts'

test('${name}', () => assert.equal(${name}, '${value}'))
`
const write = (path: string, content: string) => ({ name: 'write', input: { path, content } })
const finish = (title: string) => ({ name: 'finish', input: { title, summary: `${title}.`, notDone: '', answers: [] } })
const TWO = {
  ...DESIGN,
  slices: ['greeting', 'farewell'].map((name) => ({
    title: `Add the ${name}`,
    files: [`src/${name}.ts`, `test/${name}.test.ts`],
  })),
}

/** Which part SD is asked for, or to join them. */
const partOf = ({ texts }: Asked) => /Yours: Add the (\w+)/.exec(texts.join('\n'))?.[1] ?? 'all'

/** How many parts were asked for while another was under way. */
function sideBySide(answer: (part: string, asked: Asked) => Reply) {
  const open = new Set<string>()
  const seen: { most: number; systems: string[] } = { most: 0, systems: [] }
  const model = async (asked: Asked): Promise<Reply> => {
    if (roleOf(asked) === 'sa') return { tools: [{ name: 'finish', input: TWO }] }
    if (roleOf(asked) !== 'sd') return goodModel(asked)
    const part = partOf(asked)
    open.add(part)
    seen.most = Math.max(seen.most, open.size)
    // As long as a model thinks: the other is asked meanwhile, on a busy machine too.
    for (let waited = 0; asked.turn === 1 && part !== 'all' && seen.most < 2 && waited < 600; waited++)
      await new Promise((done) => setTimeout(done, 100))
    const reply = answer(part, asked)
    if (reply.tools?.some(({ name }) => name === 'finish')) open.delete(part)
    return reply
  }
  return { model, seen }
}

async function begin(model: (asked: Asked) => Promise<Reply>, options: SceneOptions = {}) {
  scene = await startScene({ ...options, model })
  const { stage } = scene
  const issue = await stage.people.openIssue('alice', 'Greet people', 'And say goodbye.')
  await stage.people.label('alice', issue.number, 'muster')
  const one = scene
  await soon(async () => (await one.task()).state.pullRequest?.draft, 240_000).toBe(false)
  return { one, stage, issue, state: (await one.task()).state }
}

it('independent parts of a design are built at once, each in a clone of its own, and become one proved commit', async () => {
  const { model, seen } = sideBySide((part, { turn }) =>
    turn === 1
      ? {
          tools: [
            write(`src/${part}.ts`, `export const ${part} = '${part}'\n`),
            write(`test/${part}.test.ts`, test(part, part)),
          ],
        }
      : { tools: [finish(`Add the ${part}`)] },
  )
  const { one, stage, issue, state } = await begin(model)
  expect(seen.most).toBe(2)
  expect(state.steps.map(({ id, status }) => [id, status])).toEqual(
    ['baseline', 'spec', 'design', 'part', 'part.2', 'join', 'prove'].map((id) => [id, 'done']),
  )
  // Joined without a model, and pushed once.
  expect(one.model.asked.filter((asked) => roleOf(asked) === 'sd' && partOf(asked) === 'all')).toEqual([])
  const pull = stage.world.issues.find(({ pull: it_ }) => it_ !== undefined)
  expect(pull?.body).toContain('1. Add the greeting')
  expect(pull?.body).toContain('2. Add the farewell')
  const branches = execFileSync('git', [
    '-C',
    stage.repo.dir,
    'for-each-ref',
    '--format=%(refname)',
    'refs/heads/muster',
  ])
  expect(branches.toString().trim().split('\n')).toHaveLength(1)
  const card = stage.world.comments.find(
    (comment) => comment.issue === issue.number && comment.body.includes('### Muster: '),
  )
  expect(card?.body).toContain('**SD** Part 1. Add the greeting')
  expect(card?.body).toContain('"SD: Parts ×2"')
})

it('parts that touch the same lines are joined by SD, and one that reaches for the files of another is sent back', async () => {
  const index = (part: string) => `export const said = '${part}'\n`
  const { model } = sideBySide((part, { turn, texts }) => {
    if (part === 'all') {
      if (turn > 1) return { tools: [finish('Say both')] }
      // It is told what the other part wanted.
      expect(texts.join('\n')).toContain('Parts that do not fit together')
      return {
        tools: [
          write('src/said.ts', "export const said = 'both'\n"),
          write('src/farewell.ts', "export const farewell = 'farewell'\n"),
          write('test/farewell.test.ts', test('farewell', 'farewell')),
        ],
      }
    }
    const own = [
      write(`src/${part}.ts`, `export const ${part} = '${part}'\n`),
      write(`test/${part}.test.ts`, test(part, part)),
      // In nobody's list: both write it.
      write('src/said.ts', index(part)),
    ]
    if (turn === 1) return { tools: part === 'greeting' ? [...own, write('src/farewell.ts', '// mine now\n')] : own }
    if (turn === 2) return { tools: [finish(`Add the ${part}`)] }
    return turn === 3
      ? { tools: [{ name: 'run', input: { command: 'rm src/farewell.ts' } }] }
      : { tools: [finish(`Add the ${part}`)] }
  })
  // With a network nothing is set up where a model has written: it would fail.
  const checks = "checks: { setup: 'test ! -e src/said.ts', setup_network: true }\n"
  const { one, state } = await begin(model, {
    settings: () => QUICK(1) + checks,
    env: { MUSTER_SETUP_NETWORK: '1' },
  })
  expect(state.steps.find(({ id }) => id === 'join')?.status).toBe('done')
  const told = one.model.asked.flatMap(({ texts }) => texts).filter((text) => text.includes('for other parts'))
  expect(told.join('\n')).toContain('src/farewell.ts')
  expect(one.model.asked.filter((asked) => roleOf(asked) === 'sd' && partOf(asked) === 'all').length).toBeGreaterThan(0)
})
