import type { Proof, Run, Spec } from '../artefacts.ts'
import { moreUsd, spent } from '../policy.ts'
import { isTicket, surfaceLink } from '../said.ts'
import type { Task } from '../task/types.ts'
import {
  ask,
  type Block,
  brief,
  code,
  details,
  dollars,
  type Document,
  heading,
  list,
  paragraph,
  said,
  shortSha,
  table,
} from './document.ts'

/** What the pull request is for: GitHub closes the issue with it; tickets are named, so that their own tools find it. */
function forWhat({ origin, surfaces = [] }: Task): Block[] {
  const issue = origin.number > 0 ? [origin.isPullRequest ? `For #${origin.number}` : `Closes #${origin.number}`] : []
  const tickets = surfaces.filter(isTicket).map((surface) => `For ${surfaceLink(surface)}`)
  const lines = [...issue, ...tickets]
  return lines.length > 0 ? [paragraph(lines.join('\n\n'))] : []
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
    ...(note && note !== first ? [paragraph(`**Since then:** ${said(note.summary)}`)] : []),
    heading('How it was proved'),
    ...proofBlocks(
      task.proofs.findLast((proof) => proof.headSha === task.headSha),
      task.spec,
    ),
    heading('Not done'),
    paragraph(
      said(note?.notDone ?? '') ||
        (task.spec?.outOfScope.length
          ? `Left alone on purpose: ${task.spec.outOfScope.map((item) => brief(item, 300).replace(/\.$/, '')).join('; ')}`
          : 'Nothing that was asked for.'),
    ),
    paragraph(`Asked for by ${task.origin.requester.login} · ${dollars(spent(task))} so far · task \`${task.id}\``),
  ]
}

/** The evidence, as it stands in the pull request and in the check run. */
export function proofBlocks(proof: Proof | undefined, spec: Spec | undefined): Block[] {
  if (!proof) return [paragraph('QA has not proved this head yet.')]
  const { verdict } = proof
  return [
    paragraph(
      `**${verdict.proved ? 'Proved' : 'Not proved'}** at ${shortSha(proof.headSha)}: ${verdict.reasons.map((reason) => brief(reason, 300)).join('; ')}`,
    ),
    table(
      ['Evidence', 'Wanted', 'Seen'],
      [
        runRow(`New and changed tests on the base ${shortSha(proof.baseSha)}`, 'fail', proof.red),
        runRow(`New and changed tests on the head ${shortSha(proof.headSha)}`, 'pass', proof.green),
        runRow('Whole suite on the head', 'pass', proof.suite),
      ],
    ),
    ...criteria(proof, spec),
    ...(proof.note?.remarks ? [paragraph(said(proof.note.remarks))] : []),
  ]
}

const MARKS = { yes: '✅', no: '❌', unclear: '❔' } as const

/** The acceptance criteria in the spec's own words, each with what QA found. */
function criteria({ note }: Proof, spec: Spec | undefined): Block[] {
  if (!note) return []
  const review = note.review.map(
    (item) => `${MARKS[item.done]} Review comment ${item.number}: ${brief(item.evidence, 400)}`,
  )
  return [
    list([
      ...note.criteria.map(
        (item) =>
          `${MARKS[item.met]} ${brief(spec?.acceptance[item.number - 1] ?? `Criterion ${item.number}`, 300)}: ${brief(item.evidence, 400)}`,
      ),
      ...review,
    ]),
  ]
}

function runRow(what: string, wanted: string, run: Run | undefined): string[] {
  if (!run) return [what, wanted, 'not run']
  return [
    what,
    wanted,
    `${run.exitCode === 0 ? 'pass' : 'fail'} (\`${run.command.replace(/[`|\n]/g, ' ').slice(0, 100)}\`, exit code ${run.exitCode}, ${run.seconds.toFixed(1)} s)`,
  ]
}

/** The text of the check run `muster/proof`. */
export function proofReport(proof: Proof, spec: Spec | undefined): Document {
  const outputs = [
    ['New and changed tests on the base', proof.red],
    ['New and changed tests on the head', proof.green],
    ['Whole suite on the head', proof.suite],
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
    paragraph(`Muster stops here: ${brief(task.outcome ?? '', 600)}.`),
    ...(task.branch
      ? [
          paragraph(
            `The work so far is on branch \`${task.branch}\`${task.pullRequest ? ` (#${task.pullRequest.number})` : ''}.`,
          ),
        ]
      : []),
    ...(proof ? [details('Latest evidence', proofReport(proof, task.spec))] : []),
    ...(task.patches.at(-1)?.note.notDone
      ? [paragraph(`SD's note: ${said(task.patches.at(-1)?.note.notDone ?? '')}`)]
      : []),
    paragraph(`\`@${task.settings.mention} retry\` tries once more. Cost so far: ${dollars(spent(task))}.`),
  ]
}

/** What is posted when a step failed in a way the workflow cannot mend. */
export function failedComment(task: Task, step: string, message: string): Document {
  return [
    paragraph(`**${step} failed.** ${said(message).slice(0, 2000)}`),
    paragraph(`Mend the cause, then comment \`@${task.settings.mention} retry\`.`),
  ]
}

/** The comment at the budget's end. */
export function budgetComment(task: Task): Document {
  return [
    heading('Budget reached'),
    paragraph(
      `${dollars(spent(task))} of ${dollars(task.budgetUsd)} is used up, so the work stopped. What there is so far is kept; nothing is lost.`,
    ),
    ask(
      `Comment \`@${task.settings.mention} continue +$${moreUsd(task)}\` to go on from there, or \`@${task.settings.mention} cancel\`.`,
    ),
  ]
}
