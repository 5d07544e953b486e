import { judge } from '../../src/core/judge.ts'
import { percentile } from '../faults/support/suite.ts'

/** What one look at so many requests takes, ms: the median and the slowest. */
export interface Judged {
  readonly requests: number
  readonly medianMs: number
  readonly slowestMs: number
}

export function measureJudge(requests: number): Judged {
  const times: number[] = []
  const figures = (errors: number) => ({ seconds: 600, requests, errors, p50: 5, p95: 20 })
  for (const rate of [0, 0.0001, 0.01, 0.1, 0.5])
    for (const more of [0.999, 1, 1.0005]) {
      const errors = Math.floor(requests * rate)
      const evidence = { before: figures(errors), after: figures(Math.floor(errors * more)) }
      const begun = performance.now()
      judge({ ...evidence, probes: { passed: 60, failed: 0 }, tests: true })
      times.push(performance.now() - begun)
    }
  return { requests, medianMs: percentile(times, 0.5), slowestMs: Math.max(...times) }
}
