import { mendsLine } from '../mending.ts'
import { moreUsd, spent } from '../policy.ts'
import { isTicket } from '../said.ts'
import { onboardingBody } from './onboarding.ts'
import { criteriaTable, moreOfProof, proofReport, reasonsOf, verdictLine } from './proof.ts'
import { verdictText } from './verdict.ts'
import { surfaceLink } from './surface.ts'
import { isOfModel, type StepError } from '../task/step.ts'
import type { PullRequest, Task } from '../task/types.ts'
import {
  ask,
  type Block,
  brief,
  closes,
  details,
  dollars,
  type Document,
  heading,
  issue,
  link,
  mono,
  type Own,
  paragraph,
  theirs,
  say,
} from './document.ts'

/** What the pull request is for: GitHub closes the issue with it; tickets are named, so that their own tools find it. */
function forWhat({ origin, surfaces = [] }: Task): Block[] {
  const { number, isPullRequest } = origin
  const own = number > 0 ? [isPullRequest ? say`For ${issue(number)}` : say`${closes(number)}`] : []
  const tickets = surfaces.filter(isTicket).map((surface) => say`For ${surfaceLink(surface)}`)
  const line = mendsLine(origin)
  // Where a merge takes the words of the pull request.
  const mended = line ? [say`${line}`] : []
  return [...own, ...tickets, ...mended].map((one) => paragraph(one))
}

/**
 * The body of the pull request, as a senior engineer would write it: what people saw, the cause and the change, which test shows which
 * criterion; the rest is folded, and nothing stands there twice.
 */
export function pullRequestBody(task: Task): Document {
  if (task.survey) return onboardingBody(task, task.survey)
  const note = task.patches.at(-1)?.note
  const first = task.patches[0]?.note
  const proof = task.proofs.findLast(({ headSha }) => headSha === task.headSha)
  return [
    ...forWhat(task),
    ...(task.spec ? [paragraph(theirs(task.spec.problem))] : []),
    paragraph(theirs(first?.summary ?? '')),
    ...(note && note !== first ? [paragraph(say`**Since then:** ${theirs(note.summary)}`)] : []),
    ...(note?.notDone ? [paragraph(say`**Not done:** ${theirs(note.notDone)}`)] : []),
    ...criteriaTable(proof, task.spec),
    ...verdictLine(proof),
    ...moreOfProof(proof, task.spec),
    paragraph(
      say`Asked for by ${task.origin.requester.login} · ${dollars(spent(task))} so far · task ${mono(task.id)}`,
    ),
  ]
}

/** The news that a pull request can be reviewed. @param settled what came of it */
export function readyComment(task: Task, { number, url }: PullRequest, settled?: Own): Document {
  const proof = task.proofs.at(-1)
  const title = task.patches[0]?.note.title ?? task.spec?.title ?? task.origin.title
  return [
    settled ? paragraph(settled) : ask(say`Please review and merge ${link(url, `#${number}`)}.`),
    paragraph(
      say`${brief(title)}${proof ? say` · ${verdictText(proof)}: ${reasonsOf(proof)}` : ''} · ${dollars(spent(task))} so far`,
    ),
  ]
}

/** The note that hands the work to people, with everything they need to go on. */
export function handOffComment(task: Task): Document {
  const proof = task.proofs.at(-1)
  return [
    heading('Over to you'),
    paragraph(say`Muster stops here: ${brief(task.outcome ?? '', 600)}.`),
    ...(task.branch
      ? [
          paragraph(
            say`The work so far is on branch ${mono(task.branch)}${task.pullRequest ? say` (${issue(task.pullRequest.number)})` : ''}.`,
          ),
        ]
      : []),
    ...(proof ? [details('Latest evidence', proofReport(proof, task.spec))] : []),
    ...(task.patches.at(-1)?.note.notDone
      ? [paragraph(say`SD's note: ${theirs(task.patches.at(-1)?.note.notDone ?? '')}`)]
      : []),
    paragraph(say`\`@${task.settings.mention} retry\` tries once more. Cost so far: ${dollars(spent(task))}.`),
  ]
}

/** What is posted when a step failed in a way the workflow cannot mend. */
export function failedComment(task: Task, step: string, { code, message }: StepError): Document {
  const again = say`\`@${task.settings.mention} retry\``
  return [
    paragraph(say`**${step} failed.** ${theirs(message, 2000)}`),
    paragraph(
      isOfModel(code) ? say`${again} tries once more, which costs as before.` : say`Mend the cause, then say ${again}.`,
    ),
  ]
}

/** The comment at the budget's end. */
export function budgetComment(task: Task, settled?: Own): Document {
  return [
    heading('Budget reached'),
    paragraph(
      say`${dollars(spent(task))} of ${dollars(task.budgetUsd)} is used up, so the work stopped. What there is so far is kept; nothing is lost.`,
    ),
    settled
      ? paragraph(settled)
      : ask(
          say`Comment \`@${task.settings.mention} continue +$${moreUsd(task)}\` to go on from there, or \`@${task.settings.mention} cancel\`.`,
        ),
  ]
}
