import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const CLIENT = 'src/store/generated'

function contents(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  )
  return Object.fromEntries(files.sort().map((name) => [name, readFileSync(join(dir, name), 'utf8')]))
}

it('the database client that is shipped is the one of the schema', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-client-'))
  cpSync(join(ROOT, 'prisma'), join(dir, 'prisma'), { recursive: true })
  execFileSync(process.execPath, [join(ROOT, 'src/store/generate.mjs'), `--schema=${dir}/prisma/schema.prisma`], {
    stdio: 'ignore',
  })
  expect(contents(join(dir, CLIENT)), 'run `npm run generate`').toEqual(contents(join(ROOT, CLIENT)))
  rmSync(dir, { recursive: true })
})
