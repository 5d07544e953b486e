import { UserError } from '../../core/errors.ts'
import type { ReleaseRow } from '../types.ts'
import type { Runner } from './runner.ts'

/** Whether a service answers. @param ms how long it may take */
export async function healthy(
  url: string | URL,
  headers: Readonly<Record<string, string>> = {},
  ms = 5000,
): Promise<boolean> {
  try {
    return (await fetch(url, { headers, signal: AbortSignal.timeout(ms), redirect: 'manual' })).ok
  } catch {
    return false
  }
}

/** Where a release answers its health check itself; undefined where it has no port. */
export function ownHealth({ port, command }: ReleaseRow): string | undefined {
  return port === undefined ? undefined : `http://127.0.0.1:${port}${command.health}`
}

/** Whether it still runs, and answers. */
export async function isWarm(runner: Runner, row: ReleaseRow): Promise<boolean> {
  const url = ownHealth(row)
  return url !== undefined && (await runner.isAlive(row)) && healthy(url)
}

/** Waits until a release that was just started answers. @throws UserError where it ends, or does not in time */
export async function untilHealthy(runner: Runner, row: ReleaseRow, seconds: number, signal?: AbortSignal) {
  const url = ownHealth(row) ?? ''
  const until = Date.now() + seconds * 1000
  while (Date.now() < until) {
    signal?.throwIfAborted()
    if (!(await runner.isAlive(row)))
      throw new UserError('start_failed', 'The new release ended right after its start.')
    if (await healthy(url)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new UserError('not_healthy', `The new release was not healthy within ${seconds} s.`)
}
