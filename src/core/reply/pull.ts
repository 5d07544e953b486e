import type { Proof, Run, Spec } from '../artefacts.ts'
import { moreUsd, spent } from '../policy.ts'
import { isTicket } from '../said.ts'
import { leftAlone } from './plan.ts'
import { surfaceLink } from './surface.ts'
import type { PullRequest, Task } from '../task/types.ts'
import {
  ask,
  type Block,
  brief,
  closes,
  code,
  details,
  dollars,
  type Document,
  heading,
  issue,
  joined,
  link,
  list,
  mono,
  type Own,
  paragraph,
  said,
  say,
  shortSha,
  table,
  type Words,
} from './document.ts'

/** What the pull request is for: GitHub closes the issue with it; tickets are named, so that their own tools find it. */
function forWhat({ origin, surfaces = [] }: Task): Block[] {
  const { number, isPullRequest } = origin
  const own = number > 0 ? [isPullRequest ? say`For ${issue(number)}` : say`${closes(number)}`] : []
  const tickets = surfaces.filter(isTicket).map((surface) => say`For ${surfaceLink(surface)}`)
  return [...own, ...tickets].map((line) => paragraph(line))
}

/** The body of the pull request: what, why, how it was proved, what was not done, what it cost. */
export function pullRequestBody(task: Task): Document {
  const note = task.patches.at(-1)?.note
  const first = task.patches[0]?.note
  return [
    ...forWhat(task),
    heading('What changed and why'),
    ...(task.spec ? [paragraph(said(task.spec.problem))] : []),
    paragraph(said(first?.summary ?? '')),
    ...(note && note !== first ? [paragraph(say`**Since then:** ${said(note.summary)}`)] : []),
    heading('How it was proved'),
    ...proofBlocks(
      task.proofs.findLast((proof) => proof.headSha === task.headSha),
      task.spec,
    ),
    heading('Not done'),
    paragraph(
      note?.notDone
        ? said(note.notDone)
        : task.spec?.outOfScope.length
          ? say`Left alone on purpose: ${leftAlone(task.spec)}`
          : say`Nothing that was asked for.`,
    ),
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

/** What a proof says in a word. */
export function verdictText({ verdict }: Proof): string {
  return verdict.proved ? 'proved' : verdict.open ? 'not fully proved, a person decides' : 'not proved'
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Why a proof is one, or is none. */
export function reasonsOf({ verdict }: Proof) {
  return joined(
    verdict.reasons.map((reason) => brief(reason, 300)),
    say`; `,
  )
}

/** The evidence, as it stands in the pull request and in the check run. */
export function proofBlocks(proof: Proof | undefined, spec: Spec | undefined): Block[] {
  if (!proof) return [paragraph('QA has not proved this head yet.')]
  return [
    paragraph(say`**${capital(verdictText(proof))}** at ${shortSha(proof.headSha)}: ${reasonsOf(proof)}`),
    table(
      ['Evidence', 'Wanted', 'Seen'],
      [
        runRow(say`New and changed tests on the base ${shortSha(proof.baseSha)}`, 'fail', proof.red),
        runRow(say`New and changed tests on the head ${shortSha(proof.headSha)}`, 'pass', proof.green),
        runRow(say`Whole suite on the head`, 'pass', proof.suite),
        ...(proof.baseline ? [runRow(say`Whole suite on the base, before the change`, 'pass', proof.baseline)] : []),
      ],
    ),
    ...redBefore(proof),
    ...criteria(proof, spec),
    ...(proof.note?.remarks ? [paragraph(said(proof.note.remarks))] : []),
  ]
}

const SHOWN_RED = 10

/** What was red before is no fault of the change, and whoever reviews should know of it. */
function redBefore({ baseline }: Proof): Block[] {
  if (!baseline || baseline.exitCode === 0) return []
  const names = baseline.failures ?? []
  if (names.length === 0)
    return [paragraph('The suite was red before the change; which tests failed cannot be told from its output.')]
  const more = names.length - SHOWN_RED
  const shown = names.slice(0, SHOWN_RED).map((name) => mono(name, 200))
  return [
    paragraph(say`**Red before the change** (${names.length})`),
    list(more > 0 ? [...shown, say`and ${more} more`] : shown),
  ]
}

const MARKS = { yes: '✅', no: '❌', unclear: '❔' } as const

/** The acceptance criteria in the spec's own words, each with what QA found. */
function criteria({ note }: Proof, spec: Spec | undefined): Block[] {
  if (!note) return []
  const review = note.review.map(
    (item) => say`${MARKS[item.done]} Review comment ${item.number}: ${brief(item.evidence, 400)}`,
  )
  return [
    list([
      ...note.criteria.map(
        (item) =>
          say`${MARKS[item.met]} ${brief(spec?.acceptance[item.number - 1] ?? `Criterion ${item.number}`, 300)}: ${brief(item.evidence, 400)}`,
      ),
      ...review,
    ]),
  ]
}

function runRow(what: Words, wanted: string, run: Run | undefined): Words[] {
  if (!run) return [what, wanted, 'not run']
  return [
    what,
    wanted,
    say`${run.exitCode === 0 ? 'pass' : 'fail'} (${mono(run.command, 100)}, exit code ${run.exitCode}, ${run.seconds.toFixed(1)} s)`,
  ]
}

/** The text of the check run `muster/proof`. */
export function proofReport(proof: Proof, spec: Spec | undefined): Document {
  const outputs = [
    ['New and changed tests on the base', proof.red],
    ['New and changed tests on the head', proof.green],
    ['Whole suite on the head', proof.suite],
    ['Whole suite on the base, before the change', proof.baseline],
  ] as const
  return [
    ...proofBlocks(proof, spec),
    ...outputs.flatMap(([title, run]) => (run ? [details(title, [code(run.output)])] : [])),
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
      ? [paragraph(say`SD's note: ${said(task.patches.at(-1)?.note.notDone ?? '')}`)]
      : []),
    paragraph(say`\`@${task.settings.mention} retry\` tries once more. Cost so far: ${dollars(spent(task))}.`),
  ]
}

/** What is posted when a step failed in a way the workflow cannot mend. */
export function failedComment(task: Task, step: string, message: string): Document {
  return [
    paragraph(say`**${step} failed.** ${said(message, 2000)}`),
    paragraph(say`Mend the cause, then comment \`@${task.settings.mention} retry\`.`),
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
