import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { evalCommand } from '../../rehearsal/eval/command.ts'
import type { ReviewResult } from '../../rehearsal/eval/reviews.ts'
import { startModelServer } from '../../rehearsal/models/server.ts'
import { isFull } from '../support/amount.ts'
import { SANDBOX } from '../support/isolation.ts'
import { commitAll, gitIn, ownPriceService, writeAll } from '../support/own.ts'

const REVIEWS = fileURLToPath(new URL('../../rehearsal/reviews', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Those whose tests take long are left to MUSTER_TESTS=full. */
const QUICK = ['js-cache-ttl', 'js-slug', 'js-split', 'py-pages', 'py-settings', 'ts-sharing']
const WANTED = isFull ? readdirSync(REVIEWS).toSorted() : QUICK

it('of the bundled pull requests at least four of five faults are found, at most one is made up, and nothing is said twice', {
  timeout: 900_000,
}, async () => {
  const lines: string[] = []
  const reviews = relative(process.cwd(), REVIEWS)
  const options = {
    reviews,
    arm: 'muster',
    parallel: '2',
    minutes: '10',
    last: '1',
    recorded: true,
    json: true,
    only: WANTED.join(),
  }
  const ok = await evalCommand(options, { MUSTER_SANDBOX: SANDBOX }, (line) => lines.push(line))
  const { cases } = JSON.parse(lines.at(-1) ?? '{}') as { cases: ReviewResult[] }
  expect(cases.map(({ name }) => name)).toEqual(WANTED)
  for (const { name, outcome, reason } of cases)
    if (outcome === 'skipped') process.stderr.write(`skipped: the pull request ${name}. ${reason}\n`)
  const played = cases.filter(({ outcome }) => outcome !== 'skipped')
  expect(played.filter(({ outcome }) => outcome !== 'done').map(({ name, reason }) => `${name}: ${reason}`)).toEqual([])
  const faults = played.filter(({ hasFault }) => hasFault)
  expect(faults.filter(({ found }) => found).length).toBeGreaterThanOrEqual(faults.length - 1)
  expect(played.flatMap(({ wrong }) => wrong).length).toBeLessThanOrEqual(1)
  expect(played.flatMap(({ repeated }) => repeated)).toEqual([])
  expect(ok).toBe(true)
})

it('a branch of one’s own is looked at without an account, and the repository stays as it is', async () => {
  const finding = {
    path: 'src/half.ts',
    from: 1,
    to: 1,
    severity: 'high',
    title: 'half doubles',
    detail: 'half(4) is 8.',
    suggestion: '',
    replacement: 'export const half = (n: number) => n / 2',
    test: {
      path: 'test/half.test.ts',
      content: `import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { half } from '../src/half.ts'\ntest('half', () => assert.equal(half(4), 2))\n`,
    },
  }
  const answer = { tools: [{ name: 'finish', input: { findings: [finding], looked: 'All of it.' } }] }
  const server = await startModelServer(() => answer)
  onTestFinished(() => server.close())
  const repo = ownPriceService()
  gitIn(repo, 'checkout', '--quiet', '-b', 'halves')
  writeAll(repo, { 'src/half.ts': 'export const half = (n: number) => n * 2\n' })
  const head = commitAll(repo, 'Add half')
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    MUSTER_SANDBOX: SANDBOX,
    ...server.env('anthropic'),
  }
  const run = (...args: readonly string[]) =>
    new Promise<{ code: number | null; said: string }>((done) => {
      const all = ['--no-warnings', MAIN, 'review', '--repo', repo, ...args]
      const child = execFile(process.execPath, all, { env, maxBuffer: 50_000_000 }, (_, out, error) =>
        done({ code: child.exitCode, said: out + error }),
      )
    })
  const { code, said } = await run('--base', 'trunk')
  expect(code, said).toBe(1)
  expect(said).toContain('high  half doubles')
  expect(said).toContain('Shown by a test (test/half.test.ts)')
  expect(server.asked[0]?.texts[0]).toContain('Add half')
  expect(gitIn(repo, 'rev-parse', 'HEAD')).toBe(head)
  expect(gitIn(repo, 'branch', '--list').split('\n').length).toBe(2)
  // Neither a branch nor a default one of a usual name.
  expect((await run()).said).toContain('What the branch goes into is not known')
  expect((await run('--base', 'halves')).said).toContain('is what it would go into')
})
