import { UserError } from '../core/errors.ts'
import type { ReleaseCommand, ReleaseRow, ReleaseStore } from './types.ts'

/** Releases that are given a share of the requests, as they are stored. */

/** What has the rest of the requests, where a release has a share alone. */
export async function besideOf(store: Pick<ReleaseStore, 'get'>, { command: { share } }: ReleaseRow) {
  return share && (await store.get(share.beside))
}

/** @throws UserError where another one is live */
export function mustBeLive(row: ReleaseRow | undefined, id: string): ReleaseRow {
  if (row?.id === id) return row
  throw new UserError('changed', 'Something else is live there by now.')
}

/** How it is reached with another share, or with all; undefined where it has all already. */
export function withPercent(
  { command: { share, ...whole } }: ReleaseRow,
  percent: number,
  now: number,
): ReleaseCommand | undefined {
  if (!share) return undefined
  return percent < 100 ? { ...whole, share: { ...share, percent } } : { ...whole, wholeAt: now }
}

/** The share that it is given beside what is live; nothing where it is given all. */
export function shareBeside(live: ReleaseRow | undefined, percent: number | undefined): Pick<ReleaseCommand, 'share'> {
  return live && percent !== undefined ? { share: { percent, beside: live.command.share?.beside ?? live.id } } : {}
}
