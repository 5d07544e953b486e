import { UserError } from '../core/errors.ts'
import type { Fence } from '../leases/types.ts'
import type { ApplyInput, Observed, ReleaseCommand, ReleaseRow, TargetDeps } from './types.ts'

/** Releases as they are stored, for the targets that store theirs. */

/** How what is served elsewhere is started here: not at all. */
export const NO_SERVICE: ReleaseCommand = { start: '', health: '', publicPort: 0, env: {} }

/** One that has just begun. @param dir the folder of its files; empty where nothing is served from here */
export function begunRow(
  { environment, releaseId: id, sha, taskId }: Pick<ApplyInput, 'environment' | 'releaseId' | 'sha' | 'taskId'>,
  command: ReleaseCommand,
  dir = '',
): ReleaseRow {
  const { repository, name } = environment
  return {
    id,
    repository,
    environment: name,
    sha,
    taskId,
    status: 'building',
    port: undefined,
    pid: undefined,
    startedTick: undefined,
    dir,
    command,
    detail: undefined,
    liveAt: undefined,
  }
}

/** How one of that id stands. @param underway what is said of one that has begun and has not ended */
export function observed(
  row: ReleaseRow | undefined,
  underway: Extract<Observed['state'], 'unfinished' | 'begun' | 'unknown'>,
): Observed {
  if (!row) return { state: 'absent' }
  switch (row.status) {
    case 'live':
    case 'retired':
      return { state: 'live', since: row.liveAt?.getTime() }
    case 'failed':
      return { state: 'failed', error: row.detail ?? 'it failed' }
    case 'building':
    case 'starting':
      return { state: underway }
  }
}

/** Those that have served, the one that did last first. */
export function byLastServed(rows: readonly ReleaseRow[]): ReleaseRow[] {
  const at = ({ liveAt }: ReleaseRow) => liveAt?.getTime() ?? 0
  return rows.filter(({ liveAt }) => liveAt !== undefined).toSorted((a, b) => at(b) - at(a))
}

/** So many that served last are kept, and of what failed the newest, for its log. */
export const KEEP_RELEASES = 5
export const KEEP_FAILED = 2

/** What is kept of why one failed: never the inside of an unexpected error. */
export function detailOf(error: unknown): string {
  return error instanceof UserError ? error.message : 'an unexpected error'
}

/** Writes down that it is live now: whatever the clock says, after what was live before. @throws Fenced */
export async function writeLive({ store, now }: Pick<TargetDeps, 'store' | 'now'>, row: ReleaseRow, fence: Fence) {
  const live = await store.live(row.repository, row.environment)
  await store.goLive(row, new Date(Math.max(now(), (live?.liveAt?.getTime() ?? 0) + 1)), fence)
}

/** Since when what is stored of them was measured, before a moment; ms since the epoch. */
export function servedSince(rows: readonly ReleaseRow[], before: number): number | undefined {
  const since = rows.map((row) => row.liveAt?.getTime() ?? Number.POSITIVE_INFINITY).filter((at) => at < before)
  return since.length > 0 ? Math.min(...since) : undefined
}
