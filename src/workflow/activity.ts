import type { Doing } from '../core/task/types.ts'

/** After so long without a word, people are told what a step is doing. */
export const SILENT_MS = 60_000

export interface ActivityDeps {
  readonly now: () => number
  /** Calls back once, later; the answer takes that back. */
  readonly after: (ms: number, call: () => void) => () => void
  /** Tells people; never throws. @param since when it began, ms since the epoch; undefined with nothing that is told of any more */
  readonly tell: (doing: Doing | undefined, since: number) => void
}

/** What a step is doing. It is told once it has lasted for long; from then on, that it is over. */
export interface Activity {
  /** Does something that may last. */
  during<T>(doing: Doing, work: () => Promise<T>): Promise<T>
  /** The step is over, or left. */
  end(): void
}

export function activityOf({ now, after, tell }: ActivityDeps): Activity {
  let isTold = false
  let takeBack = () => {}
  let isOver = false
  return {
    async during(doing, work) {
      const since = now()
      takeBack()
      takeBack = after(SILENT_MS, () => {
        if (isOver) return
        isTold = true
        tell(doing, since)
      })
      try {
        return await work()
      } finally {
        takeBack()
        if (isTold && !isOver) tell(undefined, now())
        isTold = false
      }
    },
    end() {
      isOver = true
      takeBack()
    },
  }
}
