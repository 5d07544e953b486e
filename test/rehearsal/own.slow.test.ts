import { isFull } from '../support/amount.ts'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answerer, type ModelServer, startModelServer } from '../../rehearsal/models/server.ts'
import type { Api, Question, Saying } from '../../rehearsal/models/types.ts'
import { goodModel, roleOf } from '../support/model.ts'
import { SANDBOX } from '../support/isolation.ts'
import { gitIn, ownPriceService, temporary } from '../support/own.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const ISSUE = '# Orders of 10 to 49 bolts are charged the 5-piece price\n\nA customer complained, and he is right.\n'

const closing: ModelServer[] = []
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close()
})

interface Summary {
  readonly ok: boolean
  readonly ending: string
  readonly reason: string
  readonly branch: string | null
  readonly file: string
  readonly usd: number
  readonly turns: number
}

/** The command, as somebody runs it in a shell, with a model server of one interface. */
async function rehearse(api: Api, answer: Answerer, options: readonly string[] = []) {
  const server = await startModelServer(answer)
  closing.push(server)
  const repo = ownPriceService()
  const issue = join(temporary(), 'issue.md')
  writeFileSync(issue, ISSUE)
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], MUSTER_SANDBOX: SANDBOX, ...server.env(api) }
  const args = ['--no-warnings', MAIN, 'rehearse', '--repo', repo, '--issue', issue, '--json', ...options]
  const { code, said } = await new Promise<{ code: number | null; said: string }>((done) => {
    const child = execFile(process.execPath, args, { env, maxBuffer: 50_000_000 }, (_, out, error) =>
      done({ code: child.exitCode, said: out + error }),
    )
  })
  const lines = said.split('\n').filter((line) => line.startsWith('{'))
  const summary = lines
    .map((line) => JSON.parse(line) as Summary & { kind: string })
    .find(({ kind }) => kind === 'summary')
  return { code, said, summary, repo, server }
}

describe.each(['anthropic', 'responses', 'chat'] as const)(
  'one’s own repository, with a model that is asked by %s',
  (api) => {
    it('an issue becomes a proved branch in it, with a report, and nothing else changes', async () => {
      const { code, said, summary, repo, server } = await rehearse(api, goodModel)
      expect(summary, said).toMatchObject({ ok: true, ending: 'proved', turns: 5 })
      expect(code).toBe(0)
      const branch = summary?.branch ?? ''
      expect(gitIn(repo, 'diff', '--name-only', `trunk...${branch}`).split('\n')).toEqual([
        'src/catalogue.ts',
        'test/tiers.test.ts',
      ])
      expect(gitIn(repo, 'status', '--porcelain')).toBe('')
      expect(gitIn(repo, 'branch', '--show-current')).toBe('trunk')
      expect(readFileSync(summary?.file ?? '', 'utf8')).toContain('12 bolts cost 3.84')
      expect(summary?.usd).toBeGreaterThan(0)
      expect(new Set(server.asked.map((one) => one.api))).toEqual(new Set([api]))
    })
  },
)

const failing =
  (saying: Saying): Answerer =>
  () =>
    saying
const words: Answerer = () => ({ text: 'Let me think about that.' })
const looping = (question: Question): Saying =>
  roleOf(question) === 'sd' ? { tools: [{ name: 'list', input: {} }] } : goodModel(question)
const NO_CREDIT: Readonly<Record<'anthropic' | 'responses', Saying>> = {
  anthropic: {
    status: 429,
    body: { type: 'error', error: { type: 'enforced_spend_limit_reached', message: 'spend_limit' } },
  },
  responses: {
    status: 429,
    body: { error: { message: 'x', type: 'insufficient_quota', param: null, code: 'insufficient_quota' } },
  },
}
interface Fault {
  readonly what: string
  readonly answer: (api: 'anthropic' | 'responses') => Answerer
  readonly ending: string
  readonly said: RegExp
  readonly minutes?: string
}
/** On a busy machine the time may be up before a model was asked at all. */
const LATE = { ending: 'time', said: /was at work|does not answer|working/, minutes: '0.12' } as const
const FAULTS: readonly Fault[] = [
  {
    what: 'a key that is not accepted',
    answer: () => failing({ status: 401 }),
    ending: 'stopped',
    said: /does not accept the key.*_API_KEY/,
  },
  {
    what: 'a spend cap',
    answer: (api) => failing(NO_CREDIT[api]),
    ending: 'stopped',
    said: /spending limit is reached/,
  },
  { what: 'an overload that lasts', answer: () => failing({ status: 529, headers: { 'retry-after': '60' } }), ...LATE },
  { what: 'a limit that lasts', answer: () => failing({ status: 429 }), ...LATE },
  { what: 'pages of a gateway', answer: () => failing({ broken: 'garbage' }), ...LATE },
  { what: 'streams that break off', answer: () => failing({ text: 'hello', broken: 'cut' }), ...LATE },
  {
    what: 'words in place of work',
    answer: () => words,
    ending: 'stopped',
    said: /kept answering without using its tools/,
  },
  {
    what: 'a refusal',
    answer: () => failing({ text: 'no', stop: 'refusal' }),
    ending: 'stopped',
    said: /declined the request/,
  },
  {
    what: 'results that are none',
    answer: () => failing({ tools: [{ name: 'finish', input: {} }] }),
    ending: 'stopped',
    said: /did not hand over a result/,
  },
  { what: 'a loop without end', answer: () => looping, ending: 'stopped', said: /went round in circles/ },
]

/** Each of these is told by words of the provider's own; the others need not be tried with both each time (MUSTER_TESTS=full does). */
const OWN_WORDS = /key|spend cap|refusal|break off|limit/

describe.each(['anthropic', 'responses'] as const)('a model that answers badly by %s', (api) => {
  const tried = FAULTS.filter(({ what }) => api === 'anthropic' || isFull || OWN_WORDS.test(what))
  it.each(tried)('with $what ends in a clear word', async ({ answer, ending, said, minutes = '10' }) => {
    const { code, summary, said: all } = await rehearse(api, answer(api), ['--minutes', minutes])
    expect(summary, all).toMatchObject({ ok: false, ending })
    expect(summary?.reason).toMatch(said)
    expect(code).toBe(1)
  })
})

it('says at once what is wrong with how it is called', async () => {
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    new Promise<string>((done) => {
      const all = { PATH: process.env['PATH'], HOME: process.env['HOME'], MUSTER_SANDBOX: SANDBOX, ...env }
      execFile(process.execPath, ['--no-warnings', MAIN, 'rehearse', ...args], { env: all }, (_, out, error) =>
        done(out + error),
      )
    })
  const repo = ownPriceService()
  const issue = join(temporary(), 'issue.md')
  expect(await run(['--repo', repo, '--issue', issue])).toContain('there is no file')
  writeFileSync(issue, '\n\n')
  expect(await run(['--repo', repo, '--issue', issue])).toContain('is empty')
  writeFileSync(issue, ISSUE)
  expect(await run(['--repo', repo, '--issue', issue])).toContain('set ANTHROPIC_API_KEY')
  expect(await run(['--repo', repo, '--issue', issue, '--model', 'openai:gpt-5.5'])).toContain('set OPENAI_API_KEY')
  expect(await run(['--repo', repo, '--issue', issue, '--model', 'gpt'])).toContain('provider:model')
  expect(await run(['--repo', '/nowhere', '--issue', issue])).toContain('There is no folder')
  expect(existsSync(join(repo, '.git/muster'))).toBe(false)
})
