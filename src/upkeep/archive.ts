import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Leases } from '../leases/types.ts'
import type { ArchiveStore, Store } from '../store/types.ts'
import type { Log } from '../telemetry/log.ts'
import { every, type Repeated } from './every.ts'

const PERIOD_MS = 3_600_000
const DAY_MS = 86_400_000
const TASKS = 100
const EVENTS = 1000
const compress = promisify(gzip)

/** After how many days finished tasks, and events that led to none, go; undefined: never. */
type KeepDays = { readonly tasks: number | undefined; readonly events: number | undefined }

export interface HousekeepingDeps {
  readonly store: Pick<Store, 'archive' | 'now'>
  readonly keepDays: KeepDays
  /** Where the files go. */
  readonly dir: string
  readonly log: Log
  readonly leases: Pick<Leases, 'acquire'>
}

/** What is done once in a while by one process: what is older than the settings say goes into archive files, then out of the database. */
export function housekeeping({ store, keepDays, dir, log, leases }: HousekeepingDeps): Repeated {
  return every(PERIOD_MS, 'housekeeping', log, async () => {
    const claim = await leases.acquire('housekeeping')
    if (!claim) return
    try {
      const moved = await archive(store.archive, keepDays, dir, store.now())
      if (moved.tasks + moved.events > 0) log.info(moved, 'moved into the archive')
    } finally {
      await claim.release()
    }
  })
}

/** Writes what is old to compressed JSONL files, one line each, and deletes it once it is on the disk. */
export async function archive(
  store: ArchiveStore,
  keepDays: KeepDays,
  dir: string,
  now: number,
): Promise<{ tasks: number; events: number }> {
  const moved = { tasks: 0, events: 0 }
  const before = (days: number) => new Date(now - days * DAY_MS)
  while (keepDays.tasks !== undefined) {
    const tasks = await store.oldTasks(before(keepDays.tasks), TASKS)
    if (tasks.length === 0) break
    await keep(dir, `tasks-${stamp(now)}-${String(moved.tasks).padStart(6, '0')}`, tasks)
    await store.deleteTasks(tasks.map(({ task }) => String(task['id'])))
    moved.tasks += tasks.length
  }
  while (keepDays.events !== undefined) {
    const events = await store.oldEvents(before(keepDays.events), EVENTS)
    if (events.length === 0) break
    await keep(dir, `events-${stamp(now)}-${String(moved.events).padStart(6, '0')}`, events)
    await store.deleteEvents(events.map((event) => String(event['id'])))
    moved.events += events.length
  }
  return moved
}

function stamp(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')
}

/** On the disk before this resolves. A file of this name is never written over. */
async function keep(dir: string, name: string, rows: readonly unknown[]): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const handle = await open(join(dir, `${name}.jsonl.gz`), 'wx', 0o600)
  try {
    await handle.writeFile(await compress(text))
    await handle.sync()
  } finally {
    await handle.close()
  }
}
