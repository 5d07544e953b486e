import type { Proof, Run, Spec } from '../artefacts.ts'
import {
  type Block,
  brief,
  code,
  details,
  type Document,
  joined,
  list,
  mono,
  paragraph,
  theirs,
  say,
  shortSha,
  table,
  type Words,
} from './document.ts'
import { leftAlone } from './plan.ts'
import { verdictText } from './verdict.ts'

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
    ...verdictLine(proof),
    runsTable(proof),
    ...criteriaTable(proof, spec),
    ...reviewed(proof),
    ...(proof.note?.remarks ? [paragraph(theirs(proof.note.remarks))] : []),
  ]
}

const SHOWN_RED = 10

/** What was red before is no fault of the change, and whoever reviews should know of it. */
function redBefore({ baseline }: Proof): Block[] {
  if (!baseline || baseline.exitCode === 0) return []
  const names = baseline.failures ?? []
  if (names.length === 0)
    return [
      paragraph(
        baseline.exitCode >= 124
          ? 'The suite could not be run before the change.'
          : 'The suite was red before the change; which tests failed cannot be told from its output.',
      ),
    ]
  const more = names.length - SHOWN_RED
  const shown = names.slice(0, SHOWN_RED).map((name) => mono(name, 200))
  return [
    paragraph(say`**Red before the change** (${names.length})`),
    list(more > 0 ? [...shown, say`and ${more} more`] : shown),
  ]
}

const MARKS = { yes: '✅', no: '❌', unclear: '❔' } as const

/** What became of the comments that SD says are fixed. */
function reviewed({ note }: Proof): Block[] {
  const items = (note?.review ?? []).map(
    (item) => say`${MARKS[item.done]} Review comment ${item.number}: ${brief(item.evidence, 400)}`,
  )
  return items.length > 0 ? [list(items)] : []
}

function runsTable(proof: Proof): Block {
  return table(
    ['Evidence', 'Wanted', 'Seen'],
    [
      runRow(say`New and changed tests on the base ${shortSha(proof.baseSha)}`, 'fail', proof.red),
      runRow(say`New and changed tests on the head ${shortSha(proof.headSha)}`, 'pass', proof.green),
      runRow(say`Whole suite on the head`, 'pass', proof.suite),
      ...(proof.baseline ? [runRow(say`Whole suite on the base, before the change`, 'pass', proof.baseline)] : []),
    ],
  )
}

function runRow(what: Words, wanted: string, run: Run | undefined): Words[] {
  if (!run) return [what, wanted, 'not run']
  return [
    what,
    wanted,
    say`${run.exitCode === 0 ? 'pass' : run.exitCode === 124 ? 'no end' : 'fail'} (${mono(run.command, 100)}, exit code ${run.exitCode}, ${run.seconds.toFixed(1)} s)`,
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

/** Which criterion is shown by what. */
export function criteriaTable(proof: Proof | undefined, spec: Spec | undefined): Block[] {
  const found = new Map((proof?.note?.criteria ?? []).map((one) => [one.number, one]))
  const rows = (spec?.acceptance ?? []).map((text, index) => {
    const item = found.get(index + 1)
    return [item ? MARKS[item.met] : '…', brief(text, 300), item ? brief(item.evidence, 300) : 'not looked at yet']
  })
  return rows.length > 0 ? [table(['', 'Done when', 'Shown by'], rows)] : []
}

export function verdictLine(proof: Proof | undefined): Block[] {
  if (!proof) return [paragraph('QA has not proved this head yet.')]
  return [
    paragraph(say`**${capital(verdictText(proof))}** at ${shortSha(proof.headSha)}: ${reasonsOf(proof)}.`),
    ...redBefore(proof),
  ]
}

/** What whoever doubts wants to see. */
export function moreOfProof(proof: Proof | undefined, spec: Spec | undefined): Block[] {
  const remarks = proof?.note?.remarks
  const left = spec && spec.outOfScope.length > 0 ? [paragraph(say`${leftAlone(spec)}.`)] : []
  return [
    ...(proof ? [details('How it was proved', [runsTable(proof), ...reviewed(proof)])] : []),
    ...(remarks ? [details('What QA would look at twice', [paragraph(theirs(remarks))])] : []),
    ...(left.length > 0 ? [details('Left alone on purpose', left)] : []),
  ]
}
