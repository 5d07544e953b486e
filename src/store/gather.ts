import { isDatabaseDown, type Sql } from './sql.ts'

type Row = Readonly<Record<string, unknown>>

/** More than this at a time make nothing cheaper. */
const MOST = 64
/**
 * Another statement begins beside one that is under way only where enough waits for it to be worth its price (so many parts of a full
 * one), or where those under way take long (a lock, a disk): else two would each take half of what one can do for less.
 */
const WORTH = 1 / 4
const SLOW_MS = 25

export interface Gathering<In, Out> {
  /** Does all of them in one statement. @returns what came of each, in their order */
  readonly run: (batch: readonly In[]) => Promise<readonly Out[]>
  /** So many statements may be under way (`Sql.atOnce`). */
  readonly atOnce: number
  /** No more of them at a time than this. */
  readonly most?: number
  /** What it writes: two that share one of these are never under way together. */
  readonly keysOf?: (one: In) => readonly string[]
  /** Where so many wait, whoever comes is turned away. */
  readonly limit?: number
  /** After how long a statement is taken to be slow, ms. */
  readonly slowMs?: number
}

interface Waiting<In, Out> {
  readonly one: In
  readonly keys: readonly string[]
  readonly done: (out: Out) => void
  readonly failed: (error: unknown) => void
}

/**
 * Group commit: while a statement is under way, what is asked for is gathered and goes with the next one, so that many share one round
 * trip and one commit (DeWitt et al., "Implementation techniques for main memory database systems", 1984). Where nothing else
 * happens, nobody waits for anybody. Of a statement that the database refuses, each is tried alone: only whose fault it is fails.
 */
export function gathered<In, Out>(options: Gathering<In, Out>): (one: In) => Promise<Out> {
  const { run, atOnce, most = MOST, keysOf, limit = Number.POSITIVE_INFINITY, slowMs = SLOW_MS } = options
  let waiting: Waiting<In, Out>[] = []
  const busy = new Set<string>()
  let under = 0
  /** How many of those under way have been so for long. */
  let slow = 0
  let isTold = false

  /** The first that may go together. */
  function take(): Waiting<In, Out>[] {
    const taken: Waiting<In, Out>[] = []
    const left: Waiting<In, Out>[] = []
    for (const one of waiting) {
      if (taken.length >= most || one.keys.some((key) => busy.has(key))) left.push(one)
      else {
        taken.push(one)
        for (const key of one.keys) busy.add(key)
      }
    }
    waiting = left
    return taken
  }

  function mayBegin(): boolean {
    return under === 0 || (under < atOnce && (slow === under || waiting.length >= most * WORTH))
  }

  function pump(): void {
    isTold = false
    while (waiting.length > 0 && mayBegin()) {
      const batch = take()
      if (batch.length === 0) return
      under++
      let isSlow = false
      const timer = setTimeout(() => {
        isSlow = true
        slow++
        pump()
      }, slowMs)
      void settle(run, batch).finally(() => {
        clearTimeout(timer)
        if (isSlow) slow--
        under--
        for (const { keys } of batch) for (const key of keys) busy.delete(key)
        pump()
      })
    }
  }

  return (one) =>
    new Promise((done, failed) => {
      if (waiting.length >= limit) return failed(new Error('too much waits for the database'))
      waiting.push({ one, keys: keysOf?.(one) ?? [], done, failed })
      // What is asked for in the same turn of the event loop goes together.
      if (!isTold) setImmediate(pump)
      isTold = true
    })
}

async function settle<In, Out>(run: Gathering<In, Out>['run'], batch: readonly Waiting<In, Out>[]): Promise<void> {
  try {
    const results = await run(batch.map(({ one }) => one))
    if (results.length !== batch.length) throw new Error(`${batch.length} were asked for, ${results.length} answered`)
    results.forEach((out, index) => batch[index]?.done(out))
  } catch (error) {
    if (batch.length > 1 && !isDatabaseDown(error)) await Promise.all(batch.map((one) => settle(run, [one])))
    else for (const { failed } of batch) failed(error)
  }
}

/**
 * Rows by a key, those that are asked for at once in one statement.
 * @param text its parameter is the keys; the column `asked` of its rows says which
 */
export function gatheredRows(sql: Sql, text: string): (key: string) => Promise<readonly Row[]> {
  return gathered({
    atOnce: sql.atOnce,
    run: async (keys: readonly string[]) => {
      const { rows } = await sql.query(text, [[...new Set(keys)]])
      const byKey = Map.groupBy(rows, (row) => String(row['asked']))
      return keys.map((key) => byKey.get(key) ?? [])
    },
  })
}
