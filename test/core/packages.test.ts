import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { withFiles } from '../../src/core/checks.ts'
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
