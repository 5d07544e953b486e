import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Plug-ins as an operator has them: named in the settings, loaded by the real program. */
const MAIN = resolve(import.meta.dirname, '../../src/main.ts')
const EXAMPLE = resolve(import.meta.dirname, '../../examples/plugin')
const dir = mkdtempSync(join(tmpdir(), 'muster-plugins-'))
const installed = (name: string) => join(dir, 'data/plugins/node_modules', name)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function muster(plugins: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], MUSTER_DATA: join(dir, 'data'), MUSTER_PLUGINS: plugins }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', MAIN, ...args], {
    cwd: dir,
    env,
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

function packaged(name: string, file: string, text: string): void {
  mkdirSync(installed(name), { recursive: true })
  writeFileSync(join(installed(name), 'package.json'), JSON.stringify({ name, type: 'module', exports: `./${file}` }))
  writeFileSync(join(installed(name), file), text)
}

const OTHER = `import { definePlugin, type Plugin } from 'muster/plugin'
const other: Plugin = { name: 'other', needs: '^1.0.0' }
export default definePlugin(other)
`

beforeAll(() => {
  mkdirSync(dir, { recursive: true })
  cpSync(EXAMPLE, installed('muster-plugin-example'), { recursive: true })
  packaged('typed', 'index.ts', `const name: string = 'typed'\nexport default { name, needs: '^1.0.0' }\n`)
  packaged('broken', 'index.js', `import 'a-package-that-nobody-has'\n`)
  packaged('old', 'index.js', `export default { name: 'old', needs: '^0.9.0' }\n`)
  writeFileSync(join(dir, 'other.ts'), OTHER)
})

it('are found as packages in their own folder, and as files, TypeScript too', () => {
  const { status, said } = muster('muster-plugin-example, ./other.ts', 'plugins', 'list')
  expect(said).toContain('roles: Keeper · workflows: example/tidy · commands: tidy · targets: example/folder')
  expect(said).toMatch(/^other\b/m)
  expect(status).toBe(0)
})

it('add to the settings file that is published', () => {
  const { said } = muster('muster-plugin-example', 'schema')
  expect(said).toContain('"const": "example/folder"')
  expect(muster('', 'schema').said).not.toContain('example/folder')
})

it.each([
  ['nobody-has-this', 'is named in MUSTER_PLUGINS, but it is not installed in'],
  ['nobody-has-this', 'npm install --prefix'],
  ['./nowhere.js', 'but there is no file'],
  ['typed', 'it is written in TypeScript, which Node does not read in packages'],
  ['broken', 'a-package-that-nobody-has'],
  ['old', 'wants version ^0.9.0 of what plug-ins are made against, and this server has 1.'],
])('%s keeps the server from starting, and is told: %s', (name, why) => {
  for (const args of [['plugins', 'list'], ['start']]) {
    const { status, said } = muster(name, ...args)
    expect(said).toContain(why)
    expect(status).toBe(1)
  }
})

it('are told of by the doctor, and what is wrong with one too', () => {
  expect(muster('muster-plugin-example', 'doctor').said).toContain(
    "✓ plug-ins: example: loaded. What they do is done with this server's rights",
  )
  expect(muster('old', 'doctor').said).toContain('✗ settings: The plug-in old cannot be used')
})

it('owe what everything of their kind owes: the example is finished, and one that is not is told what is missing', () => {
  const bench = join(installed('muster-plugin-example'), 'bench.js')
  const done = muster('', 'plugins', 'check', 'muster-plugin-example', '--bench', bench)
  expect(done.said).toContain('example is finished.')
  expect(done.said).not.toMatch(/✗|!/)
  expect(done.status).toBe(0)
  const { said, status } = muster('', 'plugins', 'check', 'muster-plugin-example')
  expect(said).toContain("it has no bench: the file of `--bench` exports { targets: { 'example/folder': … } }")
  expect(status).toBe(1)
})
