import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { defaultRepositorySettings, parseRepositorySettings } from '../../src/config/repository.ts'
import { checksOf, withFiles } from '../../src/core/checks.ts'
import { ecosystemOf } from '../../src/core/ecosystems.ts'
import { packageFolders } from '../../src/core/packages.ts'

it('packages are folders with a manifest of their own, none of somebody else’s, and the outermost of those inside each other', () => {
  const paths = [
    'README.md',
    'package.json',
    'packages/api/package.json',
    'packages/api/src/deep/package.json',
    'packages/web/package.json',
    'services/pay/go.mod',
    'tools/gen/pyproject.toml',
    'packages/web/node_modules/x/package.json',
    'examples/one/package.json',
    'packages/api/test/fixtures/p/package.json',
    '.github/x/package.json',
    'a/b/c/d/package.json',
  ]
  expect(packageFolders(paths)).toEqual(['packages/api', 'packages/web', 'services/pay', 'tools/gen'])
})

const NODE = (test: string) => ({
  names: ['package.json'],
  packageJson: JSON.stringify({ scripts: { test } }),
  makefile: undefined,
})
const root = (packages: Parameters<typeof ecosystemOf>[0]['packages']) => ({
  names: [],
  packageJson: undefined,
  makefile: undefined,
  packages,
})

it('the tests of all of them are run, whatever fails in one, and single files by the package that has them', () => {
  const found = ecosystemOf(
    root([
      { folder: 'packages/api', root: NODE('node --test') },
      { folder: 'packages/web', root: NODE('sh all.sh') },
      { folder: 'docs', root: { names: ['index.md'], packageJson: undefined, makefile: undefined } },
    ]),
  )
  expect(found).toMatchObject({ name: '2 packages (Node.js)', programs: ['node', 'npm'], setup: undefined })
  const dir = mkdtempSync(join(tmpdir(), 'muster-packages-'))
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  try {
    write('packages/api/package.json', '{"scripts":{"test":"node --test"}}')
    write(
      'packages/api/a file.test.js',
      "require('node:test')('api', () => require('node:fs').writeFileSync('ran', ''))",
    )
    write('packages/api/bad.test.js', "require('node:test')('bad', () => { throw new Error('bad') })")
    write('packages/web/package.json', '{"scripts":{"test":"sh all.sh"}}')
    write('packages/web/all.sh', 'echo web ran\n')
    const run = (command = '') => {
      try {
        return { code: 0, out: execFileSync('/bin/sh', ['-c', command], { cwd: dir, encoding: 'utf8', stdio: 'pipe' }) }
      } catch (error) {
        return { code: 1, out: String((error as { stdout?: string }).stdout) }
      }
    }
    const all = run(found?.test)
    expect([all.code, all.out.includes('web ran')]).toEqual([1, true])
    const single = (...files: string[]) => run(withFiles(found?.testFiles ?? '', files))
    expect(single('packages/api/a file.test.js').code).toBe(0)
    expect(single('packages/api/bad.test.js').code).toBe(1)
    // It cannot run single files, so all of its tests are; nothing of the others is.
    const web = single('packages/web/x.test.js')
    expect([web.code, web.out]).toEqual([0, expect.stringContaining('web ran')])
    expect(single('README.test.js').code).toBe(0)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

it('what the root itself says counts before', () => {
  const one = { ...NODE('node --test'), packages: [{ folder: 'packages/api', root: NODE('jest') }] }
  expect(ecosystemOf(one)?.test).toBe('npm test --silent')
  expect(ecosystemOf(root([]))).toBeUndefined()
})

it('packages that the settings name have their own commands, the others what was found, and the root what is left', () => {
  const base = defaultRepositorySettings().checks
  const packages = {
    'packages/api': { test: 'own api', testFiles: 'one {files}' },
    'tools/x': { test: 'own x', testFiles: undefined },
  }
  const found = [
    { folder: 'packages/api', root: NODE('node --test') },
    { folder: 'packages/web', root: NODE('sh all.sh') },
  ]
  const several = checksOf({ ...base, packages }, root(found))
  expect(several.test).toBe(
    "failed=0; (cd 'packages/api' && own api) || failed=1; (cd 'tools/x' && own x) || failed=1; (cd 'packages/web' && npm test --silent) || failed=1; exit $failed",
  )
  const single = checksOf({ ...base, packages }, NODE('node --test'))
  const dir = mkdtempSync(join(tmpdir(), 'muster-own-'))
  const run = (command = '') => execFileSync('/bin/sh', ['-c', command], { cwd: dir }).toString().trim().split('\n')
  try {
    for (const folder of ['packages/api', 'tools/x']) mkdirSync(join(dir, folder), { recursive: true })
    const said = {
      own: '#!/bin/sh\necho "own $*"\n',
      one: '#!/bin/sh\necho "one $*"\n',
      npm: '#!/bin/sh\necho "root $*"\n',
      node: '#!/bin/sh\necho "root $*"\n',
    }
    for (const [name, text] of Object.entries(said)) writeFileSync(join(dir, name), text, { mode: 0o755 })
    const path = (command = '') => run(`PATH="${dir}:$PATH"; ${command}`)
    expect(path(single.test).slice(0, 2)).toEqual(['own api', 'own x'])
    expect(path(withFiles(single.testFiles ?? '', ['packages/api/a b.js', 'tools/x/t.js', 'src/a.test.js']))).toEqual([
      'one a b.js',
      'own x',
      expect.stringMatching(/^root .*src\/a.test.js/),
    ])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const parsed = parseRepositorySettings(
    'checks:\n  setup: make all\n  packages:\n    services/api: { setup: make deps, test: make test }\n',
  )
  expect(parsed.ok && parsed.settings.checks).toMatchObject({
    setup: "(cd '.' && make all) && (cd 'services/api' && make deps)",
    packages: { 'services/api': { test: 'make test', testFiles: undefined } },
  })
  // As YAML gives it: of several lines, ending in one, and with remarks.
  const long = parseRepositorySettings(
    'checks:\n  setup: |\n    echo root\n    echo root2\n  packages:\n    a: { setup: "echo deps # all", test: "echo test # all" }\n',
  )
  const at = mkdtempSync(join(tmpdir(), 'muster-shell-'))
  mkdirSync(join(at, 'a'))
  const shell = (command = '') => execFileSync('/bin/sh', ['-c', command], { cwd: at }).toString()
  expect(long.ok && shell(long.settings.checks.setup)).toBe('root\nroot2\ndeps\n')
  expect(long.ok && shell(checksOf(long.settings.checks, root([])).test)).toBe('test\n')
  rmSync(at, { recursive: true })
  for (const folder of ['../x', '/etc', "a'b", 'a b', '.git/x'])
    expect(parseRepositorySettings(`checks:\n  packages:\n    "${folder}": { test: x }\n`).ok).toBe(false)
})
