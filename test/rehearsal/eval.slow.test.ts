import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { evalCommand, type EvalArguments } from '../../rehearsal/eval/command.ts'
import { type ModelServer, startModelServer } from '../../rehearsal/models/server.ts'
import type { Question, Saying } from '../../rehearsal/models/types.ts'
import { DONE, goodModel, roleOf } from '../support/model.ts'
import { SANDBOX } from '../support/isolation.ts'
import { commitAll, gitIn, ownPriceService, ownRepository, temporary, writeAll } from '../support/own.ts'

const closing: ModelServer[] = []
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close()
})

const HIDDEN = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCatalogue } from '../src/catalogue.ts'
import { quote } from '../src/quote.ts'

test('12 bolts', () => {
  assert.equal(quote(loadCatalogue(new URL('../data/prices.csv', import.meta.url)).get('bolt-m8') ?? [], 12).total, 384)
})
`

/** A case: the price service with its bug. */
function caseIn(cases: string, name: string, more: object = {}, hidden = HIDDEN): void {
  const folder = join(cases, name)
  mkdirSync(folder, { recursive: true })
  const file = {
    language: 'TypeScript',
    needs: ['node'],
    verify: 'node --test test/hidden.test.ts',
    repository: ownPriceService(),
    ...more,
  }
  writeAll(folder, {
    'case.json': JSON.stringify(file),
    'issue.md': '# Orders of 10 to 49 bolts are charged the 5-piece price\n\nMend it.\n',
    'hidden/test/hidden.test.ts': hidden,
  })
}

/** What a bare agent does: it looks, it edits, it is done. */
function bareModel({ turn }: Question): Saying {
  const sed = "sed -i 's/(a.from < b.from ? -1 : 1)/Number(a.from) - Number(b.from)/' src/catalogue.ts"
  if (turn === 1) return { tools: [{ name: 'run', input: { command: 'cat src/catalogue.ts' } }] }
  return turn === 2
    ? { tools: [{ name: 'run', input: { command: sed } }] }
    : { tools: [{ name: 'finish', input: { summary: 'Sorted.' } }] }
}

async function run(options: Partial<EvalArguments>, answer: (question: Question) => Saying = goodModel) {
  const server = await startModelServer((question) =>
    question.system.includes('software engineer with a shell') ? bareModel(question) : answer(question),
  )
  closing.push(server)
  const lines: string[] = []
  const env = { ...server.env('anthropic'), MUSTER_SANDBOX: SANDBOX }
  const all = { arm: 'muster', parallel: '2', minutes: '10', last: '10', ...options }
  const ok = await evalCommand(all, env, (line) => lines.push(line))
  return { ok, text: lines.join('\n'), server }
}

it('both arms work on the same cases, are judged by tests that neither saw, and are set beside each other', async () => {
  const cases = temporary()
  const out = join(temporary(), 'results.json')
  caseIn(cases, 'tiers')
  const { ok, text, server } = await run({ cases, arm: 'muster,bare', out })
  expect(ok, text).toBe(true)
  expect(text).toMatch(/tiers +muster +solved, proved +5 /)
  expect(text).toMatch(/tiers +bare +solved +3 /)
  expect(text).toContain('muster beside bare: turns × 1.67')
  expect(JSON.stringify(server.asked.map(({ texts }) => texts))).not.toContain('hidden.test.ts')
  const { cases: results } = JSON.parse(readFileSync(out, 'utf8')) as { cases: { usd: number; seconds: number }[] }
  expect(results.every(({ usd, seconds }) => usd > 0 && seconds > 0)).toBe(true)
  const compared = await run({ compare: [out, out] })
  expect(compared.text).toMatch(/median +muster +1 → 1 solved +× 1.00 +× 1.00 +× 1.00/)
})

it('what is no fix counts as none, and cases that say nothing are left out, each with its reason', async () => {
  const cases = temporary()
  caseIn(cases, 'a-wrong-fix')
  caseIn(cases, 'b-pays-no-heed', {}, "import { test } from 'node:test'\ntest('nothing', () => {})\n")
  caseIn(cases, 'c-elsewhere', { needs: ['frobnicate'] })
  // It is proved, and is not what was wanted.
  const besides: readonly { name: string; input: object }[] = [
    { name: 'write', input: { path: 'src/extra.ts', content: 'export const extra = 1\n' } },
    {
      name: 'write',
      input: {
        path: 'test/extra.test.ts',
        content:
          "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { extra } from '../src/extra.ts'\n\ntest('there is more', () => assert.equal(extra, 1))\n",
      },
    },
  ]
  const { ok, text } = await run({ cases }, (question) =>
    roleOf(question) === 'sd' ? { tools: [...besides, DONE] } : goodModel(question),
  )
  expect(ok).toBe(false)
  expect(text).toMatch(/b-pays-no-heed \(muster\): invalid: its hidden tests pass before anything is changed/)
  expect(text).toMatch(/c-elsewhere \(muster\): skipped: frobnicate is not there in the sandbox/)
  expect(text).toMatch(/a-wrong-fix \(muster\): unsolved: the hidden tests fail: .*12 bolts/)
  expect(text).toMatch(/a-wrong-fix +muster +unsolved, proved/)
  expect(text).toMatch(/median +muster +0 of 1 solved/)
})

it('makes cases of a repository’s own history: what fails before a change and passes after', async () => {
  const node = { name: 'own', version: '1.0.0', type: 'module', scripts: { test: 'node --test' } }
  const repo = ownRepository({ 'package.json': JSON.stringify(node), 'add.js': 'export const add = (a, b) => a - b\n' })
  const test = (what: string, expected: number) =>
    `import assert from 'node:assert'\nimport { test } from 'node:test'\nimport { add } from '../add.js'\ntest('${what}', () => assert.equal(add(1, 1), ${expected}))\n`
  writeAll(repo, { 'add.js': 'export const add = (a, b) => a + b\n', 'test/add.test.js': test('adds', 2) })
  const fix = commitAll(repo, 'Add what is to be added\n\nIt was taken away.\n\nSigned-off-by: A <a@example.com>')
  writeAll(repo, { 'README.md': 'more', 'test/same.test.js': test('adds as before', 2) })
  commitAll(repo, 'Test what passes already')
  writeAll(repo, { 'add.js': 'export const add = (a, b) => b + a\n' })
  commitAll(repo, 'Change no test')
  const cases = join(temporary(), 'cases')
  const { ok, text } = await run({ cases, fromHistory: repo })
  expect(ok, text).toBe(true)
  expect(text).toContain('its tests pass without it')
  expect(readdirSync(cases)).toEqual([fix.slice(0, 10)])
  const folder = join(cases, fix.slice(0, 10))
  expect(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))).toEqual({
    verify: "node --test 'test/add.test.js'",
    repository: repo,
    base: gitIn(repo, 'rev-parse', `${fix}~1`),
  })
  expect(readFileSync(join(folder, 'issue.md'), 'utf8')).toBe('Add what is to be added\n\nIt was taken away.\n')
  expect(readFileSync(join(folder, 'hidden/test/add.test.js'), 'utf8')).toBe(test('adds', 2))
})

it('says what is wrong with cases and options', async () => {
  const cases = temporary()
  await expect(run({})).rejects.toThrow('Which cases?')
  await expect(run({ cases })).rejects.toThrow('There are no cases')
  await expect(run({ cases, arm: 'magic' })).rejects.toThrow('no arm "magic"')
  await expect(run({ compare: ['a'] })).rejects.toThrow('two files')
  caseIn(cases, 'tiers')
  await expect(run({ cases, only: 'other' })).rejects.toThrow('no case "other"')
  writeFileSync(join(cases, 'tiers/case.json'), '{"verify": "x", "verfy": 1}')
  await expect(run({ cases })).rejects.toThrow('verfy')
  writeFileSync(join(cases, 'tiers/case.json'), 'no')
  await expect(run({ cases })).rejects.toThrow('is no JSON')
})
