import { UserError } from '../core/errors.ts'
import { hasOddText } from '../core/json.ts'
import type { Page } from './types.ts'

/** A cursor that names the last row seen by time and id. */
export function cursorOf(at: Date, id: string): string {
  return Buffer.from(`${at.toISOString()} ${id}`).toString('base64url')
}

/** @throws UserError when the text is no cursor of ours */
export function readCursor(cursor: string | undefined): { at: Date; id: string } | undefined {
  if (cursor === undefined) return undefined
  const [at = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  if (id === '' || Number.isNaN(Date.parse(at)) || hasOddText(id))
    throw new UserError('bad_cursor', 'That cursor is not one this API gave out.')
  return { at: new Date(at), id }
}

/** A page from one row more than asked for. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  map: (row: R) => T,
  cursor: (row: R) => string,
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(map), next: rows.length > limit && last !== undefined ? cursor(last) : null }
}
