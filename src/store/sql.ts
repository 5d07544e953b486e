/** Plain SQL, for what Prisma cannot say or makes slow: the inbox, commits, leases, lanes and the migrations. */
export interface Sql {
  /** So many statements at once bring something: one where all of them go through one session. */
  readonly atOnce: number
  query(text: string, params?: readonly unknown[]): Promise<{ rows: readonly Record<string, unknown>[] }>
  /** Several statements at once, without parameters. */
  exec(text: string): Promise<void>
}

/**
 * Rows are found by their keys: a plan that is kept from when a table was small would read all of it once it is large. Compiling a
 * statement takes longer than any of them runs, and planning it each time anew half as long: whatever the keys are, the plan is the same.
 */
export const FOR_KEYS = 'SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan'

/** Collects the parameters of one statement. */
export class Params {
  readonly values: unknown[] = []

  /** @returns the placeholder, `$1` and so on */
  add(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}

const DOWN = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08000',
  '08001',
  '08003',
  '08006',
  // Prisma's own: out of reach, timed out, closed, no connection free, too many connections.
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2037',
])
/** How Prisma tells the database's code for what it does not know itself. */
const PRISMA_CODE = /^Database error\. Code: `(\w+)`/m

/** Whether an error says that the database is out of reach for now (restarting, full, gone), rather than that it refused. */
export function isDatabaseDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string' && DOWN.has(error.code)) return true
  if (DOWN.has(PRISMA_CODE.exec(error.message)?.[1] ?? '')) return true
  if (
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error/i.test(
      error.message,
    )
  )
    return true
  return error.cause !== undefined && isDatabaseDown(error.cause)
}

/** Whether the database broke a circle of statements that waited for each other, at the cost of this one. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}

/** Whether an error is a row that was there already. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}
