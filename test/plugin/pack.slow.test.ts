import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'muster-author-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const OPTIONS = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024', 'esnext.iterator'],
  strict: true,
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
  skipLibCheck: true,
  allowImportingTsExtensions: true,
}

it('whoever makes a plug-in has the types of a Muster that is packed and installed', () => {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', dir], { cwd: ROOT, encoding: 'utf8' })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  const modules = join(dir, 'node_modules')
  mkdirSync(modules)
  execFileSync('tar', ['xzf', join(dir, filename), '-C', modules])
  renameSync(join(modules, 'package'), join(modules, 'muster'))
  symlinkSync(join(ROOT, 'node_modules'), join(modules, 'muster/node_modules'))
  cpSync(join(ROOT, 'examples/plugin'), dir, { recursive: true })
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: OPTIONS, include: ['*.js'] }))
  const tsc = () => spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', dir], { encoding: 'utf8' })
  expect(tsc().stdout).toBe('')
  // And they are no decoration.
  const tidy = join(dir, 'tidy.js')
  writeFileSync(tidy, readFileSync(tidy, 'utf8').replace('costs: false', 'costs: 7'))
  expect(tsc().stdout).toContain("Type 'number' is not assignable to type 'boolean'")
})
