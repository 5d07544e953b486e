import { duration } from '../../src/core/reply/document.ts'
import { git } from '../github/git.ts'
import { isStuck, type ReviewView, stuckReason, taskOf, type TaskView } from '../observe.ts'
import type { OnStage } from './rehearse.ts'
import type { Request } from './request.ts'
import { YOU } from './scene.ts'

/** Looks at a branch as at somebody's pull request, on a stage. */

const LOOK_MS = 200

export interface Look {
  /** Undefined where it came to no end. */
  readonly review: ReviewView | undefined
  readonly reason: string
  readonly task: TaskView | undefined
}

/** Brings a commit as a branch, with a pull request on it. @returns its number */
export async function openPull(
  { stage }: OnStage,
  from: { readonly path: string; readonly sha: string; readonly branch: string },
  { title, body }: Request,
): Promise<number> {
  const ref = `${from.sha}:refs/heads/${from.branch}`
  await git(stage.repo.dir, ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--', from.path, ref])
  const pull = await stage.people.openPull(YOU, { head: from.branch, title, body })
  return pull.number
}

/** Asks for the nth look, counted from 1, and waits for it. */
export async function askForLook(at: OnStage, number: number, nth: number, patienceMs: number): Promise<Look> {
  const { stage, server, settings } = at
  await stage.people.comment(YOU, number, `@${settings.mention} review`)
  const until = Date.now() + patienceMs
  let task: TaskView | undefined
  while (Date.now() < until) {
    await new Promise((done) => setTimeout(done, LOOK_MS))
    task = (await taskOf(server, number)) ?? task
    const review = task?.state.reviews?.at(nth - 1)
    if (review && task?.status === 'done') return { review, reason: task.state.outcome ?? '', task }
    const why = task && stopped(task)
    if (why !== undefined) return { review: undefined, reason: why, task }
  }
  return { review: undefined, reason: `not done within ${duration(patienceMs)}`, task }
}

/** Why nothing goes on; undefined where it does. */
function stopped(task: TaskView): string | undefined {
  const { steps, gate } = task.state
  if (steps.some(({ parked }) => parked?.why === 'model_credit'))
    return "the model provider's spending limit is reached"
  if (gate?.kind === 'budget') return 'the budget is used up (`budget` in .github/muster.yml)'
  return isStuck(task) ? stuckReason(task) : undefined
}
