import { expect, it } from 'vitest'
import { printFinding } from '../../src/cli/doctor.ts'
import { runCheck } from '../../src/cli/check.ts'
import { checkRepository } from '../../src/operate/check.ts'
import { SANDBOX } from '../support/isolation.ts'
import { gitIn, ownPriceService, ownRepository, writeAll } from '../support/own.ts'

/** What a look at a repository prints, and whether Muster can work on it. */
async function look(path: string, network = false) {
  const lines: string[] = []
  const env = { MUSTER_SANDBOX: SANDBOX }
  const isReady = await runCheck(
    (tell) => checkRepository(env, { path, network }, tell),
    false,
    (line) => lines.push(line),
  )
  return { isReady, text: lines.join('\n') }
}

const TEST = "require('node:test').test('adds', () => require('node:assert').equal(1 + 1, 2))\n"
const PACKAGE = { name: 'own', version: '1.0.0', scripts: { test: 'node --test' } }

it('says that a repository is ready, how long its tests take, and with what settings', async () => {
  const { isReady, text } = await look(ownPriceService())
  expect(text).toContain('suite: passes in the sandbox')
  expect(text).toContain('single files: node --test')
  expect(text).toContain('test: "npm test --silent"')
  expect(isReady).toBe(true)
})

it('looks at what is committed, and says what is not', async () => {
  const dir = ownRepository({ 'package.json': JSON.stringify(PACKAGE), 'test/a.test.js': TEST })
  writeAll(dir, { 'test/a.test.js': 'throw new Error()' })
  const { isReady, text } = await look(dir)
  expect(text).toContain('trunk at')
  expect(text).toContain('1 file is changed and not committed')
  expect(isReady).toBe(true)
  expect(gitIn(dir, 'status', '--porcelain')).toContain('test/a.test.js')
})

it('tells tests that need something first from tests that fail', async () => {
  const needing = { ...PACKAGE, dependencies: { 'is-number': '7.0.0' } }
  const dir = ownRepository({
    'package.json': JSON.stringify(needing),
    'test/a.test.js': `require('is-number')\n${TEST}`,
  })
  const { isReady, text } = await look(dir)
  expect(text).toContain('not one test passes')
  expect(text).toContain('`npm install --no-package-lock` first: `--network` tries that')
  expect(isReady).toBe(false)
})

it('works with a suite that is red, and names what is', async () => {
  const broken = "require('node:test').test('breaks', () => require('node:assert').equal(1, 2))\n"
  const { isReady, text } = await look(
    ownRepository({ 'package.json': JSON.stringify(PACKAGE), 'test/a.test.js': TEST, 'test/b.test.js': broken }),
  )
  expect(text).toContain('is red as it is')
  expect(text).toContain('breaks')
  expect(isReady).toBe(true)
})

it.each([
  ['no way to run tests', { 'README.md': 'x' }, 'nothing in the repository says how its tests are run'],
  ['settings with a mistake', { '.github/muster.yml': 'checks:\n  tset: x\n' }, 'line 2: checks.tset'],
  [
    'a suite that has no end',
    { '.github/muster.yml': 'checks:\n  test: sleep 60\n  timeout: 1\n' },
    'had not ended after',
  ],
  ['a set-up that fails', { '.github/muster.yml': 'checks:\n  setup: exit 7\n  test: "true"\n' }, 'the set-up fails'],
  [
    'a program that is not there',
    { '.github/muster.yml': 'checks:\n  test: frobnicate\n' },
    'cannot be run (exit code 127)',
  ],
])('says what is wrong with %s, and what to do', async (_, files, said) => {
  const { isReady, text } = await look(ownRepository(files))
  expect(text).toContain(said)
  expect(text).toContain('    → ')
  expect(text).toContain('Nothing was paid for')
  expect(isReady).toBe(false)
})

it('refuses what is no repository, or has no commit', async () => {
  await expect(look('/nowhere/at/all')).rejects.toThrow('There is no folder')
  await expect(look('/')).rejects.toThrow('no git repository')
  const dir = ownRepository({})
  gitIn(dir, 'update-ref', '-d', 'HEAD')
  await expect(look(dir)).rejects.toThrow('There is no commit')
})

it('runs nothing that the settings of a repository name', async () => {
  const dir = ownRepository({ 'package.json': JSON.stringify(PACKAGE), 'test/a.test.js': TEST })
  writeAll(dir, { '.git/hooks/reference-transaction': `#!/bin/sh\ntouch ${dir}/ran\n` })
  gitIn(dir, 'config', 'core.fsmonitor', `touch ${dir}/ran`)
  gitIn(dir, 'config', 'uploadpack.packObjectsHook', `touch ${dir}/ran`)
  expect((await look(dir)).isReady).toBe(true)
  expect(gitIn(dir, '-c', 'core.fsmonitor=false', 'status', '--porcelain')).toBe('')
})

it('prints one finding as the doctor does', () => {
  const lines: string[] = []
  printFinding({ name: 'a', state: 'problem', detail: 'b', fix: 'c' }, (line) => lines.push(line))
  expect(lines).toEqual(['✗ a: b', '    → c'])
})

it('lets no program that it runs write to the terminal but words', () => {
  const lines: string[] = []
  const detail = 'is red: \u001b]0;owned\u0007\u001b[2Jline\n  two'
  printFinding({ name: 'suite', state: 'warning', detail }, (line) => lines.push(line))
  expect(lines).toEqual(['! suite: is red: ]0;owned[2Jline\n  two'])
})
