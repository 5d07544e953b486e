import type { EffectIntent } from '../effects.ts'
import { checksComment } from '../reply/checks.ts'
import { findingComment, reviewComment } from '../reply/review.ts'
import type { Task, TaskEvent } from '../task/types.ts'
import { isRepeated } from '../workflows/registry.ts'
import { place, pullPlace } from './places.ts'

/** What is shown of looks: at a pull request, and into checks that failed. */

/** Where nothing was found, nothing is said: the card tells of the look. */
export function pullReviewed(
  task: Task,
  { step, reviewed }: Extract<TaskEvent, { type: 'pull.reviewed' }>,
): EffectIntent[] {
  const { headSha, findings } = reviewed
  // What Muster finds of its own change, SD is told.
  if (findings.length === 0 || !isRepeated(task)) return []
  const remarks = findings
    .filter(({ isInline }) => isInline)
    .map((one) => ({ path: one.path, from: one.from, to: one.to, document: findingComment(one) }))
  const body = {
    kind: 'review.post',
    place: place(task),
    headSha,
    document: reviewComment(task, reviewed),
    remarks,
  } as const
  return [{ key: `review.post:${step}`, body }]
}

/** One message on the pull request for all that was looked into together; what is flaky is run once more. */
export function checksJudged(
  task: Task,
  { step, judged }: Extract<TaskEvent, { type: 'checks.judged' }>,
): EffectIntent[] {
  const there = pullPlace(task)
  const again = judged.flatMap(({ cause, isJob, runId }): EffectIntent[] =>
    cause === 'flaky' && isJob && runId !== undefined
      ? [{ key: `check.rerun:${runId}`, body: { kind: 'check.rerun', place: there, job: runId } }]
      : [],
  )
  const document = checksComment(judged)
  return [{ key: `checks:${step}`, body: { kind: 'comment', place: there, document } }, ...again]
}
