import { roleTitle } from '../roles.ts'
import { spent } from '../policy.ts'
import { failedStep, gateAt, isActive } from '../task/steps.ts'
import type { Doing, Parked, Step, Task } from '../task/types.ts'
import { waitsForChildren } from '../task/children.ts'
import { baselineNote } from './baseline.ts'
import { elsewhereNote } from './elsewhere.ts'
import { childrenBlocks } from './children.ts'
import { needed } from './needed.ts'
import { designBlocks, specBlocks, questionList } from './plan.ts'
import { reviewNote } from './review.ts'
import { verdictText } from './verdict.ts'
import {
  type Block,
  brief,
  clockTime,
  code,
  details,
  dollars,
  type Document,
  duration,
  heading,
  link,
  list,
  mono,
  NOTHING,
  type Own,
  paragraph,
  say,
  shortSha,
  type Words,
} from './document.ts'
import { diagram, nameOfStep, type Row, rowsOf } from './rows.ts'

/** The one status comment of a task: what is asked of people on top, then where the work stands and what it cost. */
export function statusCard(task: Task, now: number): Document {
  const rows = rowsOf(task)
  return [
    heading(say`Muster: ${brief(task.spec?.title ?? task.origin.title)}`),
    ...needed(task),
    paragraph(headline(task, now)),
    ...baselineNote(task),
    ...elsewhereNote(task),
    { kind: 'checklist', items: rows.map((row) => ({ done: row.state === 'done', text: rowText(row, now) })) },
    ...childrenBlocks(task),
    { kind: 'diagram', source: diagram(task, rows) },
    ...artefacts(task),
    paragraph(footer(task)),
  ]
}

/** The same for a thread or a ticket elsewhere: short, and it says where the rest is. */
export function surfaceCard(task: Task, now: number): Document {
  const short = statusCard(task, now).filter((block) => block.kind !== 'details' && block.kind !== 'diagram')
  const { repository, number, url } = task.origin
  const where = `${repository.owner}/${repository.name}`
  const place = number > 0 ? link(url, `${where}#${number}`) : where
  return [...short.slice(0, -1), paragraph(say`${place} · task ${mono(task.id.slice(0, 8))}`)]
}

const STATUS = {
  working: 'Working',
  waiting: 'Waiting for people',
  done: 'Done',
  cancelled: 'Cancelled',
  handed_off: 'Handed over to people',
} as const

const WAITS = {
  model_busy: 'Waiting for the model provider',
  model_credit: 'Waiting for the model provider',
  git_busy: 'Waiting for GitHub',
  watch: 'Watching',
  deploy_gate: 'Waiting for a gate',
} as const satisfies Readonly<Record<Parked['why'], string>>

/** What was to be released last is not live: that is not done. */
function isNotReleased({ status, releases }: Task): boolean {
  const last = releases.at(-1)
  const isCarried = last?.deployed?.carriedBy !== undefined
  return status === 'done' && last !== undefined && last.deployed?.ok !== true && !isCarried
}

/** Status, time and cost on one line. */
export function headline(task: Task, now: number): Own {
  const running = task.steps.find((step) => step.status === 'running')
  const doing = running ? say` · ${roleTitle(running.role)}: ${nameOfStep(task, running).toLowerCase()}` : ''
  const outcome = task.outcome && task.status === 'done' ? say` · ${brief(task.outcome, 200)}` : ''
  const time = duration((task.finishedAt ?? now) - task.openedAt)
  return say`**${statusText(task, running)}**${doing}${outcome} · ${dollars(spent(task))} of ${dollars(task.budgetUsd)} · ${time}`
}

/** "Working" would say the opposite of what stands above it. */
function statusText(task: Task, running: Step | undefined): string {
  if (task.missing !== undefined && isActive(task)) return 'Waiting for a plug-in'
  if (running?.parked) return WAITS[running.parked.why]
  if (running && waitsForChildren(running)) return 'Waiting for other tasks'
  if (!isNotReleased(task)) return STATUS[task.status]
  return task.releases.some(({ deployed }) => deployed?.ok) ? 'Ended' : 'Ended, not released'
}

function rowText(row: Row, now: number): Words {
  const { step } = row
  const mark = {
    done: NOTHING,
    running: say` — *running*`,
    waiting: say` — *waiting*`,
    failed: say` — **failed**`,
    ahead: NOTHING,
    cancelled: say` — cancelled`,
  }[row.state]
  const facts =
    step && step.attempt > 0
      ? [
          time(step, now),
          step.turns > 0 ? `${dollars(step.costUsd)}, ${step.turns} ${step.turns === 1 ? 'turn' : 'turns'}` : '',
          step.attempt > 1 ? `attempt ${step.attempt}` : '',
        ].filter(Boolean)
      : []
  const doing = step?.status === 'running' ? doingText(step) : NOTHING
  return say`**${row.who}** ${row.what}${mark}${facts.length > 0 ? say` · ${facts.join(' · ')}` : ''}${doing}`
}

/** What it has been doing for long without a word: by the clock, for a card is not written again by itself. */
function doingText({ doing }: Step): Own {
  if (!doing) return NOTHING
  const what: Readonly<Record<Doing['kind'], Own>> = {
    model: say`waiting for the model`,
    clone: say`fetching the repository`,
    deploy: say`deploying`,
    watch: say`watching the release`,
    command: say`running ${mono(doing.kind === 'command' ? doing.command : '', 80)}`,
  }
  return say` · ${what[doing.kind]} since ${clockTime(doing.since)}`
}

/** Of a step that is to be done again there is none: what it took before is over. */
function time({ status, startedAt, endedAt }: Step, now: number): string {
  return startedAt === undefined || status === 'pending' ? '' : duration((endedAt ?? now) - startedAt)
}

function artefacts(task: Task): Block[] {
  const proof = task.proofs.at(-1)
  const release = task.releases.findLast(({ report }) => report)
  const open = task.review.ledger.filter((entry) => entry.outcome === 'open' || entry.outcome === 'declined')
  const asked = gateAt(task, 'question')
  const questions = asked ? [questionList(asked.questions)] : []
  return [
    ...questions,
    ...(task.pullRequest
      ? [
          paragraph(
            say`Pull request ${link(task.pullRequest.url, `#${task.pullRequest.number}`)}${task.headSha ? say` at ${shortSha(task.headSha)}` : ''}${proof && proof.headSha === task.headSha ? `, ${verdictText(proof)}` : ''}`,
          ),
        ]
      : []),
    ...(release?.report
      ? [
          paragraph(
            say`Live on **${release.environment}**: ${link(release.report.url)} at ${shortSha(release.report.sha)}, **${release.report.verdict}**`,
          ),
        ]
      : []),
    ...(open.length > 0
      ? [
          details(`Review comments not fixed (${open.length})`, [
            list(
              open.map(
                (entry) =>
                  say`${entry.outcome}: ${entry.comment.author.login}${entry.comment.path ? say` on ${mono(entry.comment.path)}` : ''}: ${brief(entry.comment.body, 160)}`,
              ),
            ),
          ]),
        ]
      : []),
    ...reviewNote(task),
    ...(task.spec ? [details('Spec', specBlocks(task.spec))] : []),
    ...(task.design ? [details('Design', designBlocks(task.design))] : []),
    ...failures(task),
  ]
}

function failures(task: Task): Block[] {
  const failed = failedStep(task)
  return failed?.error ? [details(`What failed: ${nameOfStep(task, failed)}`, [code(failed.error.message)])] : []
}

function footer(task: Task): Words {
  const me = `@${task.settings.mention}`
  return say`Task \`${task.id}\` · \`${me} status\` · \`${me} cost\` · \`${me} cancel\` · \`${me} help\``
}
