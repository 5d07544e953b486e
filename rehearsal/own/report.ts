import { styleText } from 'node:util'
import { verbatim } from '../../src/core/sanitise.ts'
import { git } from '../github/git.ts'
import type { TaskView } from '../observe.ts'
import type { Stage } from '../stage.ts'
import type { Ending, Journey } from './journey.ts'

/** What came of a journey, looked up from outside. */
export interface OwnReport {
  readonly kind: 'summary'
  readonly ok: boolean
  readonly ending: Ending
  readonly reason: string
  readonly title: string
  /** The branch in the repository that it was played on; null where nothing was made. */
  readonly branch: string | null
  /** The pull request as it would be opened. */
  readonly pullRequest: { readonly title: string; readonly body: string } | null
  /** What it changes, as `git diff --stat` says it. */
  readonly changes: string
  readonly proof: { readonly red: boolean; readonly green: boolean; readonly reasons: readonly string[] } | null
  readonly criteria: readonly { readonly text: string; readonly met: string; readonly evidence: string }[]
  readonly steps: readonly {
    readonly role: string
    readonly kind: string
    readonly status: string
    readonly turns: number
    readonly usd: number
  }[]
  readonly usd: number
  readonly turns: number
  readonly seconds: number
}

/** The branch that holds what was made: the pull request's, or what is unfinished. */
export function branchOf(task: TaskView | undefined): string | undefined {
  return task?.state.branch ?? task?.state.wip?.branch
}

/** @param branch under which name it stands in the repository now */
export async function reportOn(
  stage: Stage,
  journey: Journey,
  branch: string | undefined,
  seconds: number,
): Promise<OwnReport> {
  const { task, ending, reason } = journey
  const pull = stage.world.issues.find((one) => one.number === task?.state.pullRequest?.number)
  const proof = task?.state.proofs.at(-1)
  const steps = (task?.state.steps ?? []).map(({ role, kind, status, turns, costUsd }) => ({
    role,
    kind,
    status,
    turns,
    usd: costUsd,
  }))
  const made = branchOf(task)
  return {
    kind: 'summary',
    ok: ending === 'proved' || ending === 'answered',
    ending,
    reason,
    title: pull?.title ?? task?.title ?? '',
    branch: branch ?? null,
    pullRequest: pull ? { title: pull.title, body: pull.body } : null,
    changes: made ? await changesIn(stage, made) : '',
    proof: proof ? { red: proof.verdict.red, green: proof.verdict.green, reasons: proof.verdict.reasons } : null,
    criteria: criteriaOf(task),
    steps,
    usd: Math.round((task?.costUsd ?? 0) * 10_000) / 10_000,
    turns: steps.reduce((sum, { turns }) => sum + turns, 0),
    seconds: Math.round(seconds * 10) / 10,
  }
}

async function changesIn({ repo }: Stage, branch: string): Promise<string> {
  return git(repo.dir, ['diff', '--stat=100', `${repo.defaultBranch}...${branch}`, '--']).catch(() => '')
}

function criteriaOf(task: TaskView | undefined): OwnReport['criteria'] {
  const judged = task?.state.proofs.at(-1)?.note?.criteria ?? []
  return (task?.state.spec?.acceptance ?? []).map((text, index) => {
    const found = judged.find(({ number }) => number === index + 1)
    return { text, met: found?.met ?? 'not judged', evidence: found?.evidence ?? '' }
  })
}

const HEADS: Readonly<Record<Ending, string>> = {
  proved: 'Proved: a test fails without the change and passes with it.',
  ready: 'Ready for a review, but not proved',
  answered: 'Answered.',
  asked: 'It stopped: nobody answers',
  stopped: 'It stopped, and hands over',
  time: 'It stopped: the time was up',
}

function headOf({ ending, reason }: OwnReport): string {
  const head = HEADS[ending]
  return head.endsWith('.') ? head : `${head}: ${reason}`
}

/** Which roles took what, in one line. */
function perRole({ steps }: OwnReport): string {
  const roles = [...new Set(steps.map(({ role }) => role))]
  return roles
    .map((role) => ({
      role,
      turns: steps.filter((one) => one.role === role).reduce((sum, { turns }) => sum + turns, 0),
    }))
    .filter(({ turns }) => turns > 0)
    .map(({ role, turns }) => `${role.toUpperCase()} ${turns}`)
    .join(', ')
}

/** The report for a terminal. */
export function reportText(report: OwnReport, repository: string, file: string, stream: NodeJS.WriteStream): string {
  const { ok, ending, branch, changes, criteria, proof, usd, turns, seconds } = report
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream })
  const tick = (good: boolean) => (good ? paint('green', '✓') : paint('red', '✗'))
  return [
    '',
    paint([ok ? 'green' : 'red', 'bold'], verbatim(headOf(report))),
    '',
    ...criteria.map(({ text, met }) => `${tick(met === 'yes')} ${verbatim(text)}${met === 'yes' ? '' : ` (${met})`}`),
    ...(proof && ending !== 'proved' ? proof.reasons.map((line) => `${tick(false)} ${verbatim(line)}`) : []),
    ...(changes ? ['', ...verbatim(changes).split('\n')] : []),
    '',
    `  Cost    $${usd.toFixed(2)} for ${turns} model turns (${perRole(report)})`,
    `  Time    ${seconds.toFixed(0)} s`,
    ...(branch ? [`  Branch  ${branch}, in ${repository}`] : []),
    `  Report  ${file}`,
    ...(branch ? ['', paint('dim', `  git diff HEAD...${branch}`)] : []),
    '',
  ].join('\n')
}

/** The whole report, as a file. */
export function reportMarkdown(report: OwnReport): string {
  const { title, branch, pullRequest, changes, criteria, steps, usd, turns, seconds } = report
  return [
    `# ${title || 'Rehearsal'}`,
    '',
    headOf(report),
    '',
    ...(branch ? [`Branch \`${branch}\``, ''] : []),
    `$${usd.toFixed(2)} for ${turns} model turns in ${seconds.toFixed(0)} s`,
    ...(criteria.length > 0
      ? [
          '',
          '## Criteria',
          '',
          ...criteria.map(({ text, met, evidence }) => `- **${met}**: ${text}${evidence ? ` (${evidence})` : ''}`),
        ]
      : []),
    ...(changes ? ['', '## Changes', '', '```', changes, '```'] : []),
    ...(pullRequest
      ? ['', '## The pull request as it would be opened', '', `### ${pullRequest.title}`, '', pullRequest.body]
      : []),
    '',
    '## Steps',
    '',
    '| Role | Step | | Turns | Cost |',
    '|---|---|---|---|---|',
    ...steps.map(
      (step) =>
        `| ${step.role.toUpperCase()} | ${step.kind} | ${step.status} | ${step.turns} | $${step.usd.toFixed(3)} |`,
    ),
    '',
  ].join('\n')
}
