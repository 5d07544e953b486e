import { digestOf } from '../digest.ts'
import type { Evidence, Kept, Left, Reviewed, Standing } from '../review/findings.ts'
import { countsText } from '../review/counts.ts'
import type { Task } from '../task/types.ts'
import { isRepeated } from '../workflows/registry.ts'
import {
  type Block,
  brief,
  code,
  details,
  type Document,
  list,
  mono,
  type Own,
  paragraph,
  say,
  shortSha,
  theirs,
} from './document.ts'

/** What a review of somebody's pull request says. */

const SEVERITIES: Readonly<Record<Kept['severity'], string>> = { high: '🔴 High', medium: '🟠 Medium', low: '🟡 Low' }
const MOST_OUTPUT = 2500

/** The review's own text: how many there are, and those that can stand at no line. */
export function reviewComment(task: Task, reviewed: Reviewed): Document {
  const { headSha, findings } = reviewed
  const beside = findings.filter(({ isInline }) => !isInline)
  return [
    paragraph(say`Reviewed ${shortSha(headSha)}: **${countsText(findings)}**. ${demandText(task)}`),
    ...beside.flatMap((one) => [paragraph(say`At ${placeText(one)}:`), ...findingComment(one)]),
  ]
}

function demandText({ settings: { mention } }: Task): Own {
  return say`Nothing was changed; \`@${mention} review\` looks again after a push.`
}

/** One finding, as it stands at its lines. */
export function findingComment(finding: Kept): Document {
  const { severity, title, detail, suggestion, replacement, evidence } = finding
  return [
    paragraph(say`**${SEVERITIES[severity]}** · **${brief(title, 140)}**`),
    paragraph(theirs(detail)),
    ...(suggestion ? [paragraph(say`**Suggestion:** ${theirs(suggestion)}`)] : []),
    ...(replacement === null ? [] : [code(replacement, 'suggestion')]),
    ...evidenceBlocks(finding, evidence),
  ]
}

function evidenceBlocks({ test }: Kept, evidence: Evidence | undefined): Block[] {
  if (!evidence || !test) return [paragraph(say`*Concluded from reading; no test shows it.*`)]
  const { run } = evidence
  return [
    paragraph(say`**Shown by a test:** ${evidenceText(evidence)}`),
    details(`The test (${test.path.slice(0, 100)}), and what it prints`, [
      code(test.content),
      code(`$ ${run.command}\nexit code ${run.exitCode}\n${digestOf(run.output, MOST_OUTPUT)}`),
    ]),
  ]
}

function evidenceText({ before, mended }: Evidence): Own {
  const base = {
    passes: say`it passes without this change and fails with it`,
    fails: say`it fails with this change (and without it, where what it asks for may not be there yet)`,
    'not run': say`it fails with this change`,
  }[before]
  return mended ? say`${base}, and passes with the lines suggested above.` : say`${base}.`
}

function placeText({ path, from, to }: Kept): Own {
  return say`${mono(path, 200)}, ${from === to ? say`line ${from}` : say`lines ${from} to ${to}`}`
}

const WHY: Readonly<Record<Left['why'], string>> = {
  refuted: 'its own test passes',
  outside: 'not from this change',
  minor: 'small, and not shown by a test',
  known: 'said before',
}

/** What the card says of each look: the whole of what was found, and what is not said. */
export function reviewNote(task: Task): Block[] {
  const { reviews = [] } = task
  // Carried on by other work in the same conversation.
  if (!isRepeated(task)) return []
  return reviews.flatMap((reviewed) => [
    paragraph(say`Reviewed ${shortSha(reviewed.headSha)}: **${countsText(reviewed.findings)}**`),
    ...(reviewed.findings.length > 0
      ? [
          list(
            reviewed.findings.map(
              (one) => say`${SEVERITIES[one.severity]} ${placeText(one)}: ${brief(one.title, 140)}`,
            ),
          ),
        ]
      : []),
    ...standingBlocks(reviewed.standing ?? []),
    details('What was looked at', [
      paragraph(theirs(reviewed.looked || 'Nothing is changed.')),
      ...leftBlocks(reviewed.left),
    ]),
  ])
}

function standingBlocks(standing: readonly Standing[]): Block[] {
  if (standing.length === 0) return []
  const lines = standing.map(
    ({ title, path, from, isMended }) =>
      say`${isMended ? '✅ Mended' : '❌ Still there'}: ${brief(title, 140)} (${mono(path, 200)}, line ${from} then)`,
  )
  return [paragraph(say`Said before, by their tests:`), list(lines)]
}

function leftBlocks(left: readonly Left[]): Block[] {
  if (left.length === 0) return []
  return [
    paragraph(say`**Found, and not said**`),
    list(left.map(({ title, why }) => say`${brief(title, 140)} (${WHY[why]})`)),
  ]
}
