import { spent } from '../policy.ts'
import type { Step, Task } from '../task/types.ts'
import { needed } from './needed.ts'
import { designBlocks, specBlocks } from './plan.ts'
import {
  type Block,
  brief,
  code,
  details,
  dollars,
  type Document,
  duration,
  heading,
  list,
  paragraph,
  shortSha,
} from './document.ts'
import { diagram, type Row, rowsOf, STEP_NAMES } from './rows.ts'

/** The one status comment of a task: what is asked of people on top, then where the work stands and what it cost. */
export function statusCard(task: Task, now: number): Document {
  const rows = rowsOf(task)
  return [
    heading(`Muster: ${brief(task.spec?.title ?? task.origin.title)}`),
    ...needed(task),
    paragraph(headline(task, now)),
    { kind: 'checklist', items: rows.map((row) => ({ done: row.state === 'done', text: rowText(row, now) })) },
    { kind: 'diagram', source: diagram(rows) },
    ...artefacts(task),
    paragraph(footer(task)),
  ]
}

/** The same for a thread or a ticket elsewhere: short, and it says where the rest is. */
export function surfaceCard(task: Task, now: number): Document {
  const short = statusCard(task, now).filter((block) => block.kind !== 'details' && block.kind !== 'diagram')
  const { repository, number, url } = task.origin
  const where = `${repository.owner}/${repository.name}`
  const issue = number > 0 ? `[${where}#${number}](${url})` : where
  return [...short.slice(0, -1), paragraph(`${issue} · task \`${task.id.slice(0, 8)}\``)]
}

const STATUS = {
  working: 'Working',
  waiting: 'Waiting for people',
  done: 'Done',
  cancelled: 'Cancelled',
  handed_off: 'Handed over to people',
} as const

/** Status, time and cost on one line. */
export function headline(task: Task, now: number): string {
  const running = task.steps.find((step) => step.status === 'running')
  const doing = running ? ` · ${running.role.toUpperCase()}: ${STEP_NAMES[running.kind].toLowerCase()}` : ''
  const outcome = task.outcome && task.status === 'done' ? ` · ${brief(task.outcome, 200)}` : ''
  const time = duration((task.finishedAt ?? now) - task.openedAt)
  // "Working" would say the opposite of what stands above it.
  const status = running?.parked ? 'Waiting for the model provider' : STATUS[task.status]
  return `**${status}**${doing}${outcome} · ${dollars(spent(task))} of ${dollars(task.budgetUsd)} · ${time}`
}

function rowText(row: Row, now: number): string {
  const { step } = row
  const mark = {
    done: '',
    running: ' — *running*',
    waiting: ' — *waiting*',
    failed: ' — **failed**',
    ahead: '',
    cancelled: ' — cancelled',
  }[row.state]
  const facts =
    step && step.attempt > 0
      ? [
          time(step, now),
          step.turns > 0 ? `${dollars(step.costUsd)}, ${step.turns} ${step.turns === 1 ? 'turn' : 'turns'}` : '',
          step.attempt > 1 ? `attempt ${step.attempt}` : '',
        ].filter(Boolean)
      : []
  return `**${row.who}** ${row.what}${mark}${facts.length > 0 ? ` · ${facts.join(' · ')}` : ''}`
}

function time(step: Step, now: number): string {
  return step.startedAt === undefined ? '' : duration((step.endedAt ?? now) - step.startedAt)
}

function artefacts(task: Task): Block[] {
  const proof = task.proofs.at(-1)
  const release = task.releases.at(-1)
  const open = task.review.ledger.filter((entry) => entry.outcome === 'open' || entry.outcome === 'declined')
  const questions =
    task.gate?.kind === 'question'
      ? [
          list(
            task.gate.questions.map((question) => brief(question, 500)),
            true,
          ),
        ]
      : []
  return [
    ...questions,
    ...(task.pullRequest
      ? [
          paragraph(
            `Pull request [#${task.pullRequest.number}](${task.pullRequest.url})${task.headSha ? ` at ${shortSha(task.headSha)}` : ''}${proof && proof.headSha === task.headSha ? `, ${proof.verdict.proved ? 'proved' : 'not proved'}` : ''}`,
          ),
        ]
      : []),
    ...(release?.report
      ? [
          paragraph(
            `Live on **${release.environment}**: ${release.report.url} at ${shortSha(release.report.sha)}, **${release.report.verdict}**`,
          ),
        ]
      : []),
    ...(open.length > 0
      ? [
          details(`Review comments not fixed (${open.length})`, [
            list(
              open.map(
                (entry) =>
                  `${entry.outcome}: ${entry.comment.author.login}${entry.comment.path ? ` on \`${entry.comment.path}\`` : ''}: ${brief(entry.comment.body, 160)}`,
              ),
            ),
          ]),
        ]
      : []),
    ...(task.spec ? [details('Spec', specBlocks(task.spec))] : []),
    ...(task.design ? [details('Design', designBlocks(task.design))] : []),
    ...failures(task),
  ]
}

function failures(task: Task): Block[] {
  const failed = task.steps.findLast((step) => step.status === 'failed')
  return failed?.error ? [details(`What failed: ${STEP_NAMES[failed.kind]}`, [code(failed.error.message)])] : []
}

function footer(task: Task): string {
  const me = `@${task.settings.mention}`
  return `Task \`${task.id}\` · \`${me} status\` · \`${me} cost\` · \`${me} cancel\` · \`${me} help\``
}
