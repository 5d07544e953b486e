import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { ServerChild } from '../../src/rehearsal/child.ts'
import { waitFor } from '../../src/rehearsal/observe.ts'
import { ISSUE } from '../../src/rehearsal/texts.ts'
import { setStage } from '../../src/rehearsal/stage.ts'
import { WORKING } from '../support/isolation.ts'
import { hasPostgres, server as testDatabase } from '../support/databases.ts'

vi.setConfig({ testTimeout: 480_000 })
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const STORY = join(ROOT, 'src/rehearsal/stories/tiers.json')
const git = (...args: string[]) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout.trim()

/** The version before the newest migration, out of this repository's own history. */
function versionBefore(): string | undefined {
  const added = git('log', '--diff-filter=A', '--format=%H', '--', 'prisma/migrations/0002_many_workers/migration.sql')
    .split('\n')
    .at(-1)
  return added ? git('rev-parse', '--verify', '--quiet', `${added}^`) || undefined : undefined
}

/** Its files, with the dependencies of now. */
function checkOut(version: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'muster-before-'))
  const archive = execFileSync('git', ['archive', version, 'src', 'prisma', 'package.json', 'app.yml'], {
    cwd: ROOT,
    maxBuffer: 1e9,
  })
  writeFileSync(join(dir, 'tree.tar'), archive)
  execFileSync('tar', ['-xf', 'tree.tar'], { cwd: dir })
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  execFileSync(process.execPath, [join(ROOT, 'node_modules/prisma-cli/build/index.js'), 'generate'], {
    cwd: dir,
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
    stdio: 'ignore',
  })
  return dir
}

const version = versionBefore()
if (!version) process.stderr.write('skipped: the history of the repository is not here\n')
const available = (await hasPostgres()) && version !== undefined

describe.skipIf(!available)('the version before', () => {
  it('works on the database that this one has migrated, and this one goes on with its tasks', async () => {
    const before = checkOut(version ?? '')
    const database = await testDatabase()
    const stage = await setStage()
    const env = {
      MUSTER_SCRIPT: STORY,
      // It knows no other sandbox.
      MUSTER_SANDBOX: WORKING.includes('bubblewrap') ? 'bubblewrap' : 'none',
      DATABASE_URL: database.url ?? '',
    }
    mkdirSync(join(stage.dir, 'data'), { recursive: true })
    // The storage that migrated it is not needed any more; the database is.
    await database.storage.store.ping()
    const old = await ServerChild.start(stage, env, join(before, 'src/main.ts'))
    try {
      const issue = await stage.people.openIssue('alice', ISSUE.title, ISSUE.body)
      await stage.people.label('alice', issue.number, 'muster')
      await waitFor(old, issue.number, 'plan', (task) => task.state.gate?.kind === 'plan', 240_000)
      await old.stop()
      const now = await ServerChild.start(stage, env)
      try {
        await stage.people.comment('alice', issue.number, '@muster approve')
        const task = await waitFor(
          now,
          issue.number,
          'proved pull request',
          (one) => one.state.pullRequest?.draft === false,
          60_000,
        )
        expect(task.state.steps.map((step) => [step.id, step.status])).toEqual(
          ['spec', 'design', 'build', 'prove'].map((id) => [id, 'done']),
        )
        const cards = () =>
          stage.world.comments.filter(
            (one) => one.issue === issue.number && one.user === stage.world.bot && one.body.includes('### Muster: '),
          )
        expect(cards()).toHaveLength(1)
      } finally {
        await now.stop()
      }
    } finally {
      await old.stop()
      await stage.close()
      rmSync(before, { recursive: true, force: true })
      await database.drop()
    }
  })
})
