import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { percentile } from '../faults/support/suite.ts'
import type { Load } from './load.ts'

/** How two servers compare that are asked in turn, five times each: the hour's moods fall on both. */
export interface Pairs {
  /** Requests a second of the one for each of the other, of every pair. */
  readonly ratios: readonly number[]
  readonly median: number
}

const PAIRS = 5

/** @param one asks a server for so many seconds, with everything that it takes to be asked */
export async function measurePairs(one: () => Promise<Load>, other: () => Promise<Load>): Promise<Pairs> {
  const ratios: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    // Whoever comes first finds the disk as the other left it: each does so every second time.
    const first = await (pair % 2 ? other : one)()
    const second = await (pair % 2 ? one : other)()
    const [mine, theirs] = pair % 2 ? [second, first] : [first, second]
    ratios.push(Math.round((mine.perSecond / theirs.perSecond) * 100) / 100)
  }
  return { ratios, median: percentile(ratios, 0.5) }
}

/** Beside processes that want all of the machine, as many as it has cores. */
export async function besideBusyLoops<T>(action: () => Promise<T>): Promise<T> {
  const loops: ChildProcess[] = []
  for (let n = 0; n < availableParallelism(); n++)
    loops.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  try {
    return await action()
  } finally {
    for (const loop of loops) loop.kill('SIGKILL')
  }
}
