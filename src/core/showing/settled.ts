import type { EffectIntent } from '../effects.ts'
import { IS_USABLE } from '../baseline.ts'
import { deployApprovals, isDeployApproved } from '../policy.ts'
import { mayBeReviewed } from '../proof.ts'
import { brief, clockTime, dollars, type Own, paragraph, say } from '../reply/document.ts'
import { byWhom } from '../reply/late.ts'
import { baselineComment } from '../reply/baseline.ts'
import { planComment, questionComment } from '../reply/plan.ts'
import { budgetComment, readyComment } from '../reply/pull.ts'
import { releasePlanComment } from '../reply/release.ts'
import { comment, rewritten } from './places.ts'
import { asksPeople, designStep, isPlanned, specStep } from '../task/steps.ts'
import type { Task, TaskEvent } from '../task/types.ts'

/** The keys of messages that ask for a decision. */
export const planKey = (task: Task, hash: string) => {
  // Written again it may be the same, and is asked about anew.
  const attempt = designStep(task)?.attempt ?? 1
  return `plan:${hash.slice(0, 12)}${attempt > 1 ? `:${attempt}` : ''}`
}
/** Each time that PM asks is a message of its own. */
export const questionKey = (task: Task) => `questions:${specStep(task)?.attempt ?? 0}`
/** One for each release of the task. */
export const releaseKey = (index: number) => `release:${index}`
/** One for each time that the tests were run. */
export const baselineKey = (task: Task) =>
  `baseline:${task.steps.find(({ kind }) => kind === 'baseline')?.attempt ?? 0}`
/** Each time that the budget is reached is a message of its own. */
export const budgetKey = (task: Task) => `budget-${task.budgetGate?.nth ?? 0}`

/**
 * What was decided is written above what was asked, on every surface: by whom, when and from where. It asks for nothing any more, and
 * its buttons go: nobody decides what has been decided elsewhere.
 * @param at when, ms since the epoch
 */
export function settledEffects(task: Task, event: TaskEvent, at: number): EffectIntent[] {
  switch (event.type) {
    case 'gate.approved': {
      if (event.by === 'settings') return []
      const note = say`✅ **Approved** ${byWhom(event.by, event.from, at)}.`
      return event.gate === 'plan' ? planSettled(task, event.hash, note) : releaseApproved(task, note)
    }
    case 'gate.rejected': {
      const note = say`❌ **Rejected** ${byWhom(event.by, event.from, at)}.`
      if (event.gate === 'deploy') return releaseSettled(task, note)
      return task.planHash ? planSettled(task, task.planHash, note) : []
    }
    case 'gate.answered':
      return answered(task, byWhom(event.by, event.from, at), event.text)
    case 'budget.extended': {
      const note = say`▶️ **Continued** with ${dollars(event.usd)} more ${byWhom(event.by, event.from, at)}.`
      return budgetSettled(task, note, event.usd)
    }
    case 'baseline.settled': {
      const what =
        event.how === 'accepted' ? say`▶️ **Going on without proof**, decided` : say`🔁 **Run again**, asked for`
      return baselineSettled(task, say`${what} ${byWhom(event.by, event.from, at)}.`)
    }
    case 'pr.merged':
      return isShownReady(task)
        ? elsewhere(readySettled(task, say`✅ **Merged** by ${event.by.login}, ${clockTime(at)}.`))
        : []
    case 'task.finished':
      if (event.by) return unfinished(task, say`🚫 **Cancelled** ${byWhom(event.by, event.from, at)}.`)
      return ended(task, say`🏁 **Over**: ${brief(task.outcome ?? 'the work has ended', 300)}.`)
    case 'task.handed_off':
      return ended(task, say`🏁 **Over**: ${brief(task.outcome ?? 'the work has ended', 300)}.`)
    // A newer head follows; what was asked about the one before is asked no more.
    case 'proof.made':
      return isShownReady(task) && mayBeReviewed(event.proof.verdict) ? earlierReady(task) : []
    case 'task.cancelled':
      return cancelled(task, say`🚫 **Cancelled** ${byWhom(event.by, event.from, at)}.`)
    default:
      return []
  }
}

/** A deploy that was cancelled, with the money that something beside it asked for. */
function unfinished(task: Task, note: Own): EffectIntent[] {
  return [...(task.budgetGate?.open ? budgetSettled(task, note) : []), ...openRelease(task, note)]
}

function cancelled(task: Task, note: Own): EffectIntent[] {
  const reached = task.budgetGate?.open ? budgetSettled(task, note) : []
  const ready = isShownReady(task) && !task.merged ? elsewhere(readySettled(task, note)) : []
  const tests = asksAboutTests(task) ? baselineSettled(task, note) : []
  return [...tests, ...questions(task, note), ...ready, ...reached, ...openPlan(task, note), ...openRelease(task, note)]
}

/** Whether people were asked to go on without tests, and nobody has said anything. Run again, they are asked anew. */
function asksAboutTests({ baseline, steps }: Task): boolean {
  const isRun = steps.some(({ kind, status }) => kind === 'baseline' && status === 'done')
  return isRun && baseline !== undefined && !IS_USABLE[baseline.found] && !baseline.accepted
}

function baselineSettled(task: Task, note: Own): EffectIntent[] {
  const { baseline } = task
  return baseline && !IS_USABLE[baseline.found] ? rewritten(task, baselineKey(task), baselineComment(task, note)) : []
}

/** @param added since it was reached, in dollars */
function budgetSettled(task: Task, note: Own, added = 0): EffectIntent[] {
  if (!task.budgetGate) return []
  return rewritten(task, budgetKey(task), budgetComment({ ...task, budgetUsd: task.budgetUsd - added }, note))
}

/** The key of the news that a head can be reviewed. */
export const readyKey = (task: Task) => `ready:${provedHead(task) ?? ''}`

function provedHead({ proofs }: Task): string | undefined {
  return proofs.findLast(({ verdict }) => mayBeReviewed(verdict))?.headSha
}

function isShownReady(task: Task): boolean {
  return task.pullRequest?.draft === false && provedHead(task) !== undefined
}

/** What still waits for people when the work is over, if anything does. */
function ended(task: Task, note: Own): EffectIntent[] {
  const ready = isShownReady(task) && !task.merged ? elsewhere(readySettled(task, note)) : []
  return [...ready, ...(task.budgetGate?.open ? budgetSettled(task, note) : [])]
}

function earlierReady(task: Task): EffectIntent[] {
  const { pullRequest, proofs, headSha } = task
  const heads = proofs.filter(({ verdict }) => mayBeReviewed(verdict)).map((proof) => proof.headSha)
  const before = heads.findLast((head) => head !== headSha)
  if (!pullRequest || before === undefined) return []
  const note = say`↪️ **Changed since**: there is a newer version to review.`
  return elsewhere(rewritten(task, `ready:${before}`, readyComment(task, pullRequest, note)))
}

function readySettled(task: Task, note: Own): EffectIntent[] {
  const { pullRequest } = task
  return pullRequest ? rewritten(task, readyKey(task), readyComment(task, pullRequest, note)) : []
}

/** On GitHub the pull request says so itself. */
function elsewhere(effects: readonly EffectIntent[]): EffectIntent[] {
  return effects.filter(({ body }) => 'surface' in body)
}

/** The questions that wait for nobody any more, if nobody has answered them. */
function questions(task: Task, note: Own): EffectIntent[] {
  const { spec } = task
  return spec && asksPeople(task) ? rewritten(task, questionKey(task), questionComment(task, spec.questions, note)) : []
}

/** Words about a plan send it back; words about questions answer them. */
function answered(task: Task, by: Own, text: string): EffectIntent[] {
  const amended = openPlan(task, say`✏️ **Changed** ${by}: there is something to add; a new plan follows.`)
  if (amended.length > 0 || !task.spec) return amended
  const document = questionComment(task, task.spec.questions, say`✅ **Answered** ${by}: ${brief(text, 200)}`)
  return rewritten(task, questionKey(task), document)
}

/** The plan that waits for nobody any more, if it ever did. */
function openPlan(task: Task, note: Own): EffectIntent[] {
  const { planHash } = task
  // A plan that was sent back is written again: its own step is not done any more.
  const open =
    isPlanned(task) && planHash && !task.approvals.some((one) => one.gate === 'plan' && one.hash === planHash)
  return open ? planSettled(task, planHash, note) : []
}

function planSettled(task: Task, hash: string, note: Own): EffectIntent[] {
  return rewritten(task, planKey(task, hash), planComment(task, note))
}

/** The release plan that waits for nobody any more, if nobody has approved it. */
function openRelease(task: Task, note: Own): EffectIntent[] {
  const plan = task.releases.at(-1)?.plan
  return plan && !isDeployApproved(task, plan) ? releaseSettled(task, note) : []
}

/** Where it takes more than one, each is told of, and those that are missing are still asked. */
function releaseApproved(task: Task, note: Own): EffectIntent[] {
  const release = task.releases.at(-1)
  const { plan } = release ?? {}
  if (!release || !plan || isDeployApproved(task, plan)) return releaseSettled(task, note)
  const [given, wanted] = [deployApprovals(task, plan).length, plan.approvals ?? 1]
  return comment(task, `seconded:${release.index}:${given}`, [paragraph(say`${note} ${given} of ${wanted} approvals.`)])
}

function releaseSettled(task: Task, note: Own): EffectIntent[] {
  const release = task.releases.at(-1)
  return release?.plan && !release.deployed
    ? rewritten(task, releaseKey(release.index), releasePlanComment(task, release, note))
    : []
}
