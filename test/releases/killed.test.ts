import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { LocalTarget } from '../../src/releases/local/target.ts'
import { runs } from '../support/amount.ts'
import { hasPostgres, server, type TestDatabase } from '../support/databases.ts'
import { processesIn, TELLS_PROCESSES } from '../support/services.ts'
import { productionAt, targetDeps } from '../support/local.ts'

const PROGRAM = fileURLToPath(new URL('../support/sharing.ts', import.meta.url))

describe.skipIf(!(await hasPostgres()))('a deploy with shares, killed in the middle', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-killed-'))
  let db: TestDatabase
  let port = 0
  beforeAll(async () => {
    db = await server()
    port = await unusedPort()
  })
  afterAll(async () => {
    await db.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  /** Kills whoever deploys after so long. */
  async function killedAfter(ms: number, round: number): Promise<void> {
    const child = spawn(process.execPath, ['--no-warnings', PROGRAM, db.url ?? '', dir, String(port), String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((ready) => child.stdout.once('data', ready))
    await new Promise((done) => setTimeout(done, ms))
    child.kill('SIGKILL')
    await new Promise((gone) =>
      child.exitCode !== null || child.signalCode !== null ? gone(0) : child.once('exit', gone),
    )
  }

  it('leaves one live, told truly, with its share as it is written, and no other service', async () => {
    const environment = productionAt(port, { health: '/' })
    for (let round = 1; round <= runs(100, 6); round++) {
      await killedAfter(300 + Math.random() * 2000, round)
      const target = new LocalTarget(targetDeps(db, dir))
      await target.host.adopt()
      const live = await db.storage.store.releases.allLive()
      expect(live.length, `round ${round}`).toBeLessThanOrEqual(1)
      const [one] = live
      if (one) {
        const beside = one.command.share && (await db.storage.store.releases.get(one.command.share.beside))
        await expect.poll(() => target.current(environment)).toBe(one.sha)
        const seen = await Promise.all(
          Array.from({ length: 60 }, () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())),
        )
        expect(new Set(seen), `round ${round}`).toEqual(new Set([one.sha, ...(beside ? [beside.sha] : [])]))
        // What serves, and the one before it.
        expect(TELLS_PROCESSES ? processesIn(join(dir, 'releases')).length : 0, `round ${round}`).toBeLessThanOrEqual(2)
      }
      await target.host.close(round === runs(100, 6))
    }
  })
})
