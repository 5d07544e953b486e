import { describe, expect, it } from 'vitest'
import { isInstall, setupKey } from '../../src/core/setup.ts'

const files = [
  { path: 'src/a.ts', object: 'a1' },
  { path: 'package-lock.json', object: 'l1' },
  { path: 'packages/x/package.json', object: 'p1' },
]
const input = { command: 'npm ci', network: true, scripts: false, files, by: [] }
const withObject = (path: string) => files.map((file) => (file.path === path ? { ...file, object: 'other' } : file))

describe('what a set-up depends on', () => {
  it('tells an installation from anything else', () => {
    for (const command of [
      'npm ci',
      'npm ci --no-audit',
      'pnpm install --frozen-lockfile',
      'go mod download && npm ci',
      'python3 -m pip install --user --break-system-packages -r requirements.txt',
      'cargo fetch',
    ])
      expect(isInstall(command), command).toBe(true)
    for (const command of [
      'npm ci && npm run build',
      'npm run setup',
      'make',
      'pip install -e .',
      'npm ci; ./generate',
      'npm install ./vendored',
      'npm ci $(cat packages)',
      'npm ci --prefix ../x y',
    ])
      expect(isInstall(command), command).toBe(false)
  })

  it('is what names packages, of an installation', () => {
    const key = setupKey(input)
    expect(setupKey({ ...input, files: withObject('src/a.ts') })).toBe(key)
    expect(setupKey({ ...input, files: files.toReversed() })).toBe(key)
    for (const path of ['package-lock.json', 'packages/x/package.json'])
      expect(setupKey({ ...input, files: withObject(path) }), path).not.toBe(key)
    for (const other of [{ command: 'npm ci --omit=dev' }, { network: false }, { scripts: true }, { by: ['node 20'] }])
      expect(setupKey({ ...input, ...other })).not.toBe(key)
  })

  it('is every file where anything may be read: a build, packages with scripts of their own, a set-up without the network', () => {
    for (const other of [{ command: 'npm ci && npm run build' }, { scripts: true }, { network: false }])
      expect(setupKey({ ...input, ...other, files: withObject('src/a.ts') })).not.toBe(setupKey({ ...input, ...other }))
  })
})
