import type { Sql } from './sql.ts'

/** How often the database is asked for the time again. */
const REFRESH_MS = 60_000

/** The database's clock, followed by the process's monotonic one in between. */
export interface Clock {
  /** ms since the epoch */
  now(): number
  stop(): void
}

/**
 * Reads the database's clock, and keeps to it: processes whose own clocks differ (or are set while they run) agree on
 * when something is due. Half the round trip is allowed for (Cristian, "Probabilistic clock synchronization", 1989).
 */
export async function databaseClock(sql: Sql): Promise<Clock> {
  const ask = async () => {
    const before = performance.now()
    const { rows } = await sql.query('SELECT clock_timestamp() AS now', [])
    const after = performance.now()
    const now = rows[0]?.['now']
    return (now instanceof Date ? now.getTime() : Date.now()) - (before + after) / 2
  }
  let offset = await ask()
  const refresh = async () => {
    offset = await ask().catch(() => offset)
  }
  const timer = setInterval(() => {
    void refresh()
  }, REFRESH_MS)
  timer.unref()
  return { now: () => Math.round(performance.now() + offset), stop: () => clearInterval(timer) }
}
