import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStorage } from '../../src/operate/storage.ts'

/** Makes one embedded database for all tests to copy: making each anew would take most of their time. */
export async function setup(): Promise<() => void> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-template-'))
  const storage = await openStorage({ databaseUrl: undefined, dataDir: dir })
  await storage.close()
  process.env['MUSTER_TEST_TEMPLATE'] = dir
  return () => rmSync(dir, { recursive: true, force: true })
}
