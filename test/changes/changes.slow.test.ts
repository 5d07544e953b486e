import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { changes } from './count.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'muster-changes-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A copy of everything that is checked. */
function copied(name: string): string {
  const to = join(dir, name)
  const parts = ['src', 'test', 'rehearsal', 'examples', 'docs', 'prisma', 'package.json', 'tsconfig.json', 'app.yml']
  for (const part of [...parts, 'vitest.config.ts', '.oxlintrc.json'])
    cpSync(join(ROOT, part), join(to, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'))
  return to
}

describe.each(changes())('the change $name', ({ name, file, suites, added, touched }) => {
  it('touches its own folder and a line', () => {
    expect(touched).toHaveLength(1)
    // A command that was there already as a word of a later version is all in its own place.
    if (added.length > 0) expect(touched[0]?.lines).toBeLessThanOrEqual(2)
    const folders = new Set(added.map((one) => one.split('/').slice(0, 3).join('/')))
    expect(folders.size).toBeLessThanOrEqual(1)
  })

  it('compiles, passes the rules of the house, and is finished by the suite of its kind', () => {
    const copy = copied(name)
    const bin = (program: string) => join(ROOT, 'node_modules/.bin', program)
    const run = (program: string, ...args: string[]) =>
      execFileSync(program, args, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    run('git', 'apply', '-C1', '--unsafe-paths', file)
    run(bin('tsc'), '--noEmit')
    run(bin('oxlint'), '--type-aware', '--deny-warnings')
    expect(suites.length).toBeGreaterThan(0)
    run(bin('vitest'), 'run', 'test/house.test.ts', ...suites)
  }, 600_000)
})
