import { startModelServer } from '../../rehearsal/models/server.ts'
import type { Question, Saying } from '../../rehearsal/models/types.ts'

/** The rehearsal's model server, answered by a function: for tests of what a story cannot show. */

export type Asked = Question
export type Reply = Saying

export interface TestModel {
  readonly url: string
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

export function testModel(answer: (asked: Asked) => Reply | Promise<Reply>): Promise<TestModel> {
  return startModelServer(answer)
}

/** Which role is being asked, by its charter. */
export function roleOf({ system, texts }: Pick<Asked, 'system' | 'texts'>): 'pm' | 'sa' | 'sd' | 'qa' {
  // Where a conversation is gone on with, the last word counts.
  const found = [...[system, ...texts].join('\n').matchAll(/\b[Yy]ou are (PM|SA|SD|QA)\b/g)].at(-1)
  return (found?.[1]?.toLowerCase() ?? 'pm') as 'pm' | 'sa' | 'sd' | 'qa'
}

/** Whether spec and design are wanted in one go. */
export function isPlan(asked: Pick<Asked, 'system' | 'texts' | 'tools'>): boolean {
  return roleOf(asked) === 'sa' && asked.tools.includes('hand_over_plan')
}

export const SPEC = {
  title: 'Charge the right tier',
  kind: 'bugfix',
  problem: 'Wrong price.',
  acceptance: ['12 bolts cost 3.84'],
  outOfScope: [],
  questions: [],
  risk: 'low',
  riskReason: 'small',
}
export const DESIGN = {
  approach: 'Sort by number.',
  files: [{ path: 'src/catalogue.ts', why: 'the cause' }],
  tests: 'quote of 12',
  slices: [{ title: 'all', files: [] }],
  filesAtRisk: [],
  quote: { usd: { low: 0.1, high: 0.5 }, minutes: { low: 1, high: 3 }, confidence: 'high' },
}
export const PLAN = {
  ...SPEC,
  design: { approach: DESIGN.approach, files: DESIGN.files, tests: DESIGN.tests },
}
export const QA_YES = { criteria: [{ number: 1, met: 'yes', evidence: 'the test' }], review: [], remarks: '' }
const TEST_FILE = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCatalogue } from '../src/catalogue.ts'
import { quote } from '../src/quote.ts'

test('12 bolts get the price for 10', () => {
  assert.equal(quote(loadCatalogue(new URL('../data/prices.csv', import.meta.url)).get('bolt-m8') ?? [], 12).total, 384)
})
`
export const WRITE_TEST = { name: 'write', input: { path: 'test/tiers.test.ts', content: TEST_FILE } }
export const FIX = {
  name: 'edit',
  input: { path: 'src/catalogue.ts', old: '(a.from < b.from ? -1 : 1)', new: 'Number(a.from) - Number(b.from)' },
}
export const DONE = {
  name: 'finish',
  input: { title: 'Sort tiers by number', summary: 'They were sorted as text.', notDone: '', answers: [] },
}

/** A model that does good work without much ado. */
export function goodModel(asked: Asked): Reply {
  switch (roleOf(asked)) {
    case 'pm':
      return { tools: [{ name: 'finish', input: SPEC }] }
    case 'sa':
      return isPlan(asked)
        ? { tools: [{ name: 'hand_over_plan', input: PLAN }] }
        : { tools: [{ name: 'finish', input: DESIGN }] }
    case 'qa':
      return { tools: [{ name: 'finish', input: QA_YES }] }
    case 'sd':
      return /(?:edited|does not stand in) src\/catalogue\.ts/.test(asked.texts.join('\n'))
        ? { tools: [DONE] }
        : { tools: [WRITE_TEST, FIX] }
  }
}
