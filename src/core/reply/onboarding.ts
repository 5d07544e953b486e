import type { Finding } from '../finding.ts'
import { SETTINGS_PATH, type Survey } from '../survey.ts'
import type { Task } from '../task/types.ts'
import {
  brief,
  code,
  details,
  dollars,
  type Document,
  list,
  mono,
  paragraph,
  say,
  shortSha,
  table,
  theirs,
} from './document.ts'

const MARKS: Readonly<Record<Finding['state'], string>> = { ok: '✅', warning: '⚠️', problem: '❌' }

/** The pull request that a repository is welcomed with: what was found, what is proposed, what happens next. */
export function onboardingBody(task: Task, { sha, findings, isReady, proposed }: Survey): Document {
  const { mention } = task.settings
  return [
    paragraph(
      isReady
        ? say`Muster can work here: its tests were run as they are at ${shortSha(sha)}, without a model and without costs. Merging this writes down what was found, so that it cannot change by accident.`
        : say`Muster was let into this repository, and could not run its tests at ${shortSha(sha)}: without them no change can be proved. Please complete the file on this branch.`,
    ),
    table(
      ['', 'What', 'Found'],
      findings.map(({ name, state, detail }) => [MARKS[state], name, brief(detail, 300)]),
    ),
    ...findings.flatMap(({ name, fix }) => (fix ? [paragraph(say`**${name}:** ${theirs(fix)}`)] : [])),
    details(`The file (${SETTINGS_PATH})`, [code(proposed, 'yaml')]),
    paragraph(say`**What happens next**`),
    list([
      say`Nothing by itself. The label \`${task.settings.label}\` on an issue, or \`@${mention}\` at the beginning of a line, begins work; \`@${mention} help\` tells what else there is.`,
      say`A plan is written first, and people approve it (\`approve_plan\`); the change comes as a pull request with its proof, and people merge it.`,
      say`A task may spend up to ${dollars(task.budgetUsd)} (\`budget\`), then it asks.`,
      say`The label on a pull request of yours has that looked at, each time somebody pushes to it.`,
    ]),
    paragraph(
      say`Close this if the defaults will do; it is not opened again. Merged or changed, ${mono(SETTINGS_PATH)} on the default branch counts.`,
    ),
  ]
}
