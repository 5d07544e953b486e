import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Platform } from '../channels/types.ts'
import { diskFull, isDiskFull, messageOf } from '../core/errors.ts'
import type { Readiness } from '../http/types.ts'
import type { Queue } from '../queue/types.ts'
import type { Store } from '../store/types.ts'

const READY_MS = 5000

/** What is asked. */
interface Asked {
  readonly storage: { readonly store: Pick<Store, 'ping'> }
  readonly queue: Pick<Queue, 'ping'>
  readonly settings: { readonly dataDir: string }
}

/** Whether this process can work, asked of what it works with. What can be read may not be written any more: both are tried. */
export async function readiness(
  { storage, queue, settings }: Asked,
  platform: Platform | undefined,
): Promise<Readiness[]> {
  return [
    await check('database', true, storage.store.ping),
    await check('disk', true, () => probeDisk(settings.dataDir)),
    // Without its queue the web side keeps accepting; the sweeper catches up.
    await check('queue', false, () => queue.ping()),
    platform ? await check('github', true, platform.self) : MISSING,
  ]
}

const MISSING: Readiness = {
  name: 'github',
  ok: false,
  required: true,
  detail: 'no GitHub App is set up yet: open / in a browser',
}

async function check(name: string, required: boolean, action: () => Promise<unknown>): Promise<Readiness> {
  try {
    await Promise.race([
      action(),
      new Promise((_, reject) =>
        setTimeout(() => reject(new Error(`no answer within ${READY_MS / 1000} s`)), READY_MS).unref(),
      ),
    ])
    return { name, ok: true, required, detail: 'ok' }
  } catch (error) {
    const detail = isDiskFull(error) ? diskFull(error).message : messageOf(error).slice(0, 200)
    return { name, ok: false, required, detail }
  }
}

/** Whether a file can be written where Muster keeps its own. */
async function probeDisk(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const file = join(dataDir, `.probe-${process.pid}`)
  try {
    await writeFile(file, 'x'.repeat(4096))
  } finally {
    await rm(file, { force: true })
  }
}
