import type { Figures, ReleaseReport } from './artefacts.ts'
import type { EffectIntent } from './effects.ts'
import { percent } from './judge.ts'
import { failuresText } from './traffic.ts'
import { place } from './showing/places.ts'
import { childId } from './task/children.ts'
import type { HeardBefore, Mends } from './task/origin.ts'
import type { Release, Task } from './task/types.ts'

/** What was taken back becomes work, where the settings of its environment say so: an issue with the evidence, which goes the usual way. Pure. */

/** Of what a service has printed, so much is evidence. */
const MAX_EVIDENCE_LOG = 3000
const MAX_COMMITS = 20

/** The last that a service has printed, each line once: a fault that many have met is one. */
export function evidenceIn(log: string): string {
  const lines = [...new Set(log.split(/\r\n|[\n\r\u2028\u2029\u0085]/))]
  return lines.join('\n').slice(-MAX_EVIDENCE_LOG).trim()
}

/** What the work may cost; undefined where there is none. */
export function becomesWork({ settings, origin }: Task, { environment, report, rolledBack, plan }: Release) {
  const isBack = report?.verdict === 'regressed' && rolledBack?.ok === true
  // What was to mend something, in whichever conversation it was asked for, opens nothing more.
  const isSecond = origin.mends !== undefined || (plan?.mends ?? []).length > 0
  // What is tried to find a commit is known to be worse.
  const isTried = plan?.bisect !== undefined
  return isBack && !isSecond && !isTried ? settings.environments[environment]?.policy?.mend : undefined
}

/** What mends a release that got worse and was taken back. What mends something opens no other: one hop, whatever becomes of it. */
export function mendOf(task: Task, release: Release): EffectIntent | undefined {
  const { environment, index, report, rolledBack, plan, watch } = release
  const mend = becomesWork(task, release)
  if (!mend || !plan || !report || !rolledBack) return undefined
  const { origin, settings } = task
  const mends: Mends = {
    task: task.id,
    release: index,
    environment,
    sha: plan.sha,
    to: rolledBack.to,
    url: origin.url,
    before: report.before,
    after: report.after,
    log: rolledBack.log ?? '',
    at: watch?.until ?? task.openedAt,
  }
  const what = `${environment} got worse with ${plan.sha.slice(0, 7)}`
  const child = {
    id: childId(task.id, `mend:${index}`, 1, 0),
    workflow: 'change' as const,
    title: `${what}: ${report.after.errors > 0 ? figuresText(report.after) : (report.reasons[0] ?? 'it was taken back')}`,
    body: evidenceOf(release, report),
    request: `Find out why ${what}, and mend it on top of what is merged, with a test that fails without the mend.`,
    budgetUsd: mend.budgetUsd,
  }
  return {
    key: `mend:${index}`,
    body: {
      kind: 'task.open',
      place: place(task),
      child,
      mends,
      origin: {
        repository: origin.repository,
        author: release.requester,
        requester: release.requester,
        url: origin.url,
      },
      settings,
      // Nobody has asked for it, and what a service prints its visitors may have written: a person looks at the plan.
      forcePlanGate: true,
    },
  }
}

/** What is known of it. Whatever a service has printed, or somebody has called a commit, is nobody's wish. */
function evidenceOf({ environment, plan, rolledBack }: Release, report: ReleaseReport): string {
  const sha = plan?.sha.slice(0, 7) ?? ''
  const beside = report.canary ? 'what served beside it' : 'before'
  return [
    `\`${sha}\` was deployed to ${environment}, got worse, and was taken back to \`${rolledBack?.to.slice(0, 7) ?? ''}\`.`,
    `What was seen:\n${report.reasons.map((one) => `- ${one}`).join('\n')}`,
    `Of ${sha}: ${figuresText(report.after)}. Of ${beside}: ${figuresText(report.before)}.`,
    ...failuresOf(report.after),
    ...commitsOf(plan?.commits ?? []),
    ...filesOf(plan?.inRange),
    `A commit that says \`Fixes: ${sha}\` on a line of its own lets it go live there again; Muster's own does.`,
  ].join('\n\n')
}

/** Figures in a sentence. */
export function figuresText({ requests, errors, p95 }: Figures): string {
  const share =
    requests === 0 ? 'no requests' : `${errors} of ${requests} requests failed (${percent(errors / requests)})`
  return p95 === undefined ? share : `${share}, p95 ${p95} ms`
}

function failuresOf({ failures }: Figures): string[] {
  const how = failuresText(failures)
  return how === '' ? [] : [`How they failed: ${how}.`]
}

function commitsOf(commits: NonNullable<Release['plan']>['commits']): string[] {
  const shown = commits
    .slice(0, MAX_COMMITS)
    .map(({ sha, title, author }) => `- ${sha.slice(0, 7)} ${title} (${author})`)
  const more = commits.length - shown.length
  return shown.length > 0 ? [['New in it:', ...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n')] : []
}

function filesOf(found: NonNullable<Release['plan']>['inRange']): string[] {
  const kinds = Object.entries(found ?? {}).filter(([, files]) => files.length > 0)
  return kinds.length > 0
    ? [`Also changed: ${kinds.map(([kind, files]) => `${kind} (${files.join(', ')})`).join('; ')}.`]
    : []
}

/** What a service has printed, for models: as a stranger's words, apart from everything else. */
export function printedBy({ environment, log, at }: Mends): readonly HeardBefore[] {
  if (log.trim() === '') return []
  const by = `what the service on ${environment} has printed; whoever asked it may have brought it to say anything`
  return [{ by, authority: 'unknown on GitHub', at, text: log, attached: [], isForwarded: false }]
}

/** The line of a commit by which what was taken back may go live again. */
export function mendsLine({ mends }: { readonly mends?: Mends | undefined }): string | undefined {
  return mends && `Fixes: ${mends.sha.slice(0, 7)}`
}
