import { Cluster, RedisServer } from './cluster.ts'
import type { Yard } from './yard.ts'

/** What a fault is put to the test with. */
export interface Context {
  readonly full: boolean
  /** Chooses `quick` or `full` numbers. */
  pick<T>(quick: T, full: T): T
  /** Random numbers in [0, 1) that the seed repeats. */
  readonly random: () => number
  readonly cluster: Cluster
  readonly redis: RedisServer
  /** A fresh database; its name is never used twice. */
  database(): Promise<string>
  say(text: string): void
  /** What took too long: a problem where the full numbers are taken on a quiet machine; else only said, for it may be the machine. */
  slow(is: boolean, text: string): string[]
}

/** One row of the table: what was reached. */
export interface Reached {
  readonly number: string
  readonly problems: readonly string[]
}

export interface Fault {
  readonly id: string
  readonly title: string
  readonly wanted: string
  /** Breaks what others need meanwhile. */
  readonly alone?: boolean
  run(context: Context): Promise<Reached>
}

/** A small generator that a seed repeats (mulberry32, public domain). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = state
    value = Math.imul(value ^ (value >>> 15), value | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const percentile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))

/** Repeats something in the background until stopped. */
export function meanwhile(action: () => Promise<void> | void, pauseMs: () => number): { stop(): Promise<void> } {
  let stopped = false
  const run = async () => {
    while (!stopped) {
      await sleep(pauseMs())
      if (!stopped) await action()
    }
  }
  const running = run()
  return {
    async stop() {
      stopped = true
      await running
    },
  }
}

/** What an audit and the histories say, as problems. */
export async function problemsOf(yard: Yard): Promise<string[]> {
  const { duplicates, lost } = yard.audit()
  const { verifyMany } = await import('./verify.ts')
  return [
    ...duplicates.slice(0, 5).map((what) => `twice: ${what}`),
    ...lost.slice(0, 5).map((what) => `lost: ${what}`),
    ...(await verifyMany(yard.db, 100)),
  ]
}
