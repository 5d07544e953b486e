import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import type { CoreTarget } from '../../src/core/settings.ts'
import { type TargetBench, targetContract } from '../../src/plugin/contracts/targets.ts'
import { TARGETS } from '../../src/releases/registry.ts'
import { targetDeps } from '../support/local.ts'
import { siteIn } from '../support/site.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-target-'))
const port = await unusedPort()
beforeAll(async () => {
  db = await embedded()
})
afterAll(async () => {
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const server = (answer: string) => ({
  'server.mjs': `import { createServer } from 'node:http'
createServer((request, response) => response.end('${answer}')).listen(Number(process.env.PORT))`,
})

/** Where a command deploys to: a file, and somebody who serves it. */
const site = await siteIn(dir)
afterAll(() => site.close())
const deploying = (answer: string) => ({
  'deploy.mjs': `import { writeFileSync } from 'node:fs'
writeFileSync(process.env.STATE, '${answer}')
writeFileSync(process.env.STATE + '.sha', process.argv[2])`,
})

const deps = async () => targetDeps(db, dir, { redact: (text) => text.replaceAll('hush', '***') })

/** What each target is put to the test with. */
const BENCHES: Readonly<Record<CoreTarget, TargetBench>> = {
  'local-process': {
    settings: { start: 'node server.mjs', port, health_timeout: '20s' },
    deps,
    fence: () => fenceOf(db),
    releases: {
      one: server('one'),
      two: server('two'),
      broken: { 'server.mjs': 'console.error("hush"); process.exit(3)' },
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  command: {
    settings: {
      deploy: ['node', 'deploy.mjs', '{sha}'],
      restore: ['node', 'deploy.mjs', '{sha}'],
      current: ['node', '-e', 'console.log(require("node:fs").readFileSync(process.env.STATE + ".sha", "utf8"))'],
      url: site.url,
      env: { STATE: site.file },
    },
    deps,
    fence: () => fenceOf(db),
    releases: {
      one: deploying('one'),
      two: deploying('two'),
      broken: { 'deploy.mjs': 'console.error("hush"); process.exit(3)' },
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
}
const benches = new Map<string, TargetBench>(Object.entries(BENCHES))

/** Every target: a new one is finished when this passes, and it has a row above. */
describe.each(TARGETS.all())('the target $name', (module) => {
  const bench = benches.get(module.name)
  if (!bench) throw new Error(`${module.name} has no bench`)
  for (const { name, run } of targetContract(module, bench)) it(name, run)
})
