import type { Deployed, Figures, ReleasePlan, ReleaseReport, RolledBack, WayBack } from '../artefacts.ts'
import { type Canary, OPEN_POLICY, approversText } from '../environments/gates.ts'
import { becomesWork, figuresText } from '../mending.ts'
import { spent } from '../policy.ts'
import { failuresText } from '../traffic.ts'
import type { InRange } from '../environments/range.ts'
import type { Release, Task } from '../task/types.ts'
import { bisectText } from './bisected.ts'
import { verdictText } from './verdict.ts'
import { neededOr } from './needed.ts'
import { gatesTable } from './turn.ts'
import {
  NOTHING,
  ask,
  type Block,
  brief,
  code,
  type Document,
  dollars,
  duration,
  heading,
  link,
  list,
  type Own,
  paragraph,
  say,
  shortSha,
  table,
  value,
  type Words,
} from './document.ts'

const RELATION: Readonly<Record<ReleasePlan['relation'], Words>> = {
  first: say`the first release there`,
  ahead: say`newer than what is live`,
  same: say`the same as what is live`,
  behind: say`**older than what is live: this takes changes back**`,
  diverged: say`**what is live has commits that this does not have: they would be undone**`,
  unknown: say`how it relates to what is live could not be found out`,
}

/** SRE's plan, posted before anything is deployed. @param settled what came of it */
export function releasePlanComment(task: Task, release: Release, settled?: Own): Document {
  const { plan } = release
  if (!plan) return []
  return [
    heading(say`Release plan: ${shortSha(plan.sha)} to ${plan.environment}`),
    ...neededOr(task, settled),
    table(
      ['', ''],
      [
        ['Target', say`${plan.target}, ${link(plan.url)}`],
        [
          'To be deployed',
          plan.branch
            ? say`${shortSha(plan.sha)} of ${value(plan.branch, 100)}, **which is not merged**`
            : shortSha(plan.sha),
        ],
        ['Live now', plan.liveSha ? shortSha(plan.liveSha) : 'nothing'],
        ['Compared with that', RELATION[plan.relation]],
        ...(plan.bisect ? [['What for', bisectText(plan.bisect, plan.sha)]] : []),
        ['Watched for', duration(plan.watchSeconds * 1000)],
        ...(plan.canary ? [['Requests', stepsText(plan.canary, plan.watchSeconds)]] : []),
        ...rangeRows(plan.inRange),
        ...(plan.wayBack ? [['The way back', wayBackWords(plan.wayBack)]] : []),
        ...unproved(task),
        ['Asked for by', say`${release.requester.login}`],
        ['To be approved by', approver(plan, release)],
      ],
    ),
    ...gatesTable(plan.gates),
    ...removed(plan),
    ...preflight(plan),
    ...commits(plan),
    ...(settled || plan.approval === 'none'
      ? []
      : [
          paragraph(
            say`An approval counts once and for four hours, for exactly this SHA and plan (\`${plan.hash.slice(0, 12)}\`).`,
          ),
        ]),
  ]
}

/** How many of the requests it is given, and when. */
function stepsText({ steps, unsure }: Canary, seconds: number): string {
  const each = duration((seconds * 1000) / steps.length)
  const shares = steps.map((percent) => `${percent} %`).join(', then ')
  const end = unsure === 'back' ? 'where it is healthy' : 'unless it gets worse'
  const rest = 'what is live serves the rest, is what it is compared with, and has all again where it is worse'
  return `${shares}, for ${each} each, then all ${end}; ${rest}`
}

const RANGE: readonly (readonly [keyof InRange, string])[] = [
  ['dependencies', 'Dependencies'],
  ['configuration', 'Configuration'],
  ['migrations', 'Migrations'],
]

/** What deserves a look in the range, by kind. */
function rangeRows(found: InRange | undefined): Words[][] {
  return RANGE.flatMap(([kind, title]) => {
    const files = found?.[kind] ?? []
    return files.length > 0 ? [[title, brief(files.join(', '), 300)]] : []
  })
}

/** What people would lose that is live now. */
function removed({ removes = [], environment }: ReleasePlan): Block[] {
  if (removes.length === 0) return []
  return [
    ask(
      say`This takes ${removes.length === 1 ? 'a commit' : `${removes.length} commits`} away that ${removes.length === 1 ? 'is' : 'are'} live on ${environment} now:`,
    ),
    list(
      removes
        .slice(0, 20)
        .map(({ sha, title, author }) => say`${shortSha(sha)} ${brief(title, 100)} (${value(author, 60)})`),
    ),
  ]
}

/** What the target says it would do. */
function preflight({ preflight: said = [], target }: ReleasePlan): Block[] {
  if (said.length === 0) return []
  return [paragraph(say`**What ${target} would do**`), list(said.map((line) => brief(line, 200)))]
}

function wayBackWords({ isReady, why }: WayBack): Words {
  return isReady ? brief(why, 300) : say`**none**: ${brief(why, 300)}`
}

/** Whoever approves should know what nobody has shown. */
function unproved({ proofs, merged }: Task): Words[][] {
  const proof = merged ? proofs.at(-1) : undefined
  return proof && !proof.verdict.proved ? [['Proof', say`**${verdictText(proof)}**`]] : []
}

function approver(plan: ReleasePlan, release: Release): Words {
  if (plan.approval === 'none')
    return plan.restores ? 'nobody (it was live right before)' : 'nobody (by the settings of this environment)'
  const { approvers = OPEN_POLICY.approvers, approvals = 1 } = plan
  const many = approvals > 1 ? `${approvals} people: ` : ''
  return say`${many}${approversText(approvers, plan.approval === 'self' ? undefined : release.requester.login)}`
}

function commits(plan: ReleasePlan): Block[] {
  if (plan.commits.length === 0) return []
  const shown = plan.commits
    .slice(0, 20)
    .map((commit) => say`${shortSha(commit.sha)} ${brief(commit.title, 100)} (${value(commit.author, 60)})`)
  const more = plan.commits.length - shown.length
  return [
    paragraph(
      plan.relation === 'ahead' || plan.relation === 'diverged'
        ? say`**Commits between** (${plan.commits.length})`
        : say`**The commit**`,
    ),
    list(more > 0 ? [...shown, say`and ${more} more`] : shown),
  ]
}

/** What is said when a deploy did not succeed. */
export function deployFailedComment(deployed: Deployed): Document {
  return [
    heading(say`The deploy to ${deployed.environment} failed`),
    paragraph(
      say`${brief(deployed.error ?? '', 500)}. ${deployed.previousSha ? say`The previous release ${shortSha(deployed.previousSha)} keeps serving.` : say`Nothing was switched.`}`,
    ),
    ...(deployed.log ? [paragraph('The last lines of its log:'), code(deployed.log)] : []),
  ]
}

/** What is said when an approval did not hold any more once its turn came. */
export function plannedAnewComment({ environment, sha, error }: Deployed): Document {
  return [
    heading(say`${shortSha(sha)} was not deployed to ${environment}: it is planned anew`),
    paragraph(say`${brief(error ?? '', 500)}. Nothing was changed there.`),
  ]
}

/** What is said of a release that need not go by itself. */
export function carriedComment({ environment, sha, carriedBy = '' }: Deployed): Document {
  return [
    paragraph(
      say`➡️ ${shortSha(sha)} is live on ${environment} with ${shortSha(carriedBy)}, which has it and was found to be no worse: one release instead of two. The report stands where that one was deployed.`,
    ),
  ]
}

const MARK = { healthy: '✅', regressed: '❌', 'not enough evidence': '❔' } as const

/** The report after the watch. */
export function reportComment(task: Task, report: ReleaseReport, now: number): Document {
  return [
    heading(say`${MARK[report.verdict]} ${report.environment} at ${shortSha(report.sha)}: ${report.verdict}`),
    ...(report.verdict === 'regressed'
      ? [
          {
            kind: 'ask' as const,
            text: worseText(task, report),
          },
        ]
      : []),
    ...endText(report),
    paragraph(say`Live at ${link(report.url)}`),
    table(
      report.canary ? ['', 'Beside it', 'Release'] : ['', 'Before', 'After'],
      figureRows(report.before, report.after),
    ),
    ...failures(report.after),
    ...helped(task, report),
    list(report.reasons),
    { kind: 'diagram', source: chart(report) },
    paragraph(
      say`The whole task: ${dollars(spent(task))} for the model, ${duration(now - task.openedAt)} from the request to this report.`,
    ),
  ]
}

const HELPED = {
  healthy: say`it helped`,
  regressed: say`**it did not help**`,
  'not enough evidence': say`whether it helped cannot be told yet`,
} as const satisfies Readonly<Record<ReleaseReport['verdict'], Own>>

/** The same figures of what this release mends. */
function helped({ origin: { mends }, releases }: Task, { environment, sha, verdict, after }: ReleaseReport): Block[] {
  const plan = releases.findLast((one) => one.plan?.sha === sha)?.plan
  if (!mends || mends.environment !== environment || !plan?.mends?.includes(mends.sha)) return []
  const was = say`Of ${shortSha(mends.sha)}, which was taken back, ${figuresText(mends.after)}`
  return [paragraph(say`${was}; of this release ${figuresText(after)}: ${HELPED[verdict]}.`)]
}

/** What becomes of a release that had a share of the requests, where it did not get worse. */
function endText({ canary, verdict }: ReleaseReport): Block[] {
  if (!canary || verdict === 'regressed') return []
  const had = `It had ${canary.percent} % of the requests at last`
  if (canary.end === 'promoted') return [paragraph(`${had}, and is given all of them now.`)]
  return [
    ask(
      `${had}. Nobody can tell whether it is any worse, so it is taken back, as the settings say (\`unsure: back\`).`,
    ),
  ]
}

/** How requests failed. */
function failures({ failures: counts }: Figures): Document {
  const how = failuresText(counts)
  return how === '' ? [] : [paragraph(say`Of the requests afterwards that failed: ${how}.`)]
}

/** What follows, or who has to see to it. */
function worseText(task: Task, { environment, canary }: ReleaseReport): Own {
  const { plan, deployed } = task.releases.findLast((one) => one.report !== undefined) ?? {}
  const { wayBack } = plan ?? {}
  const to = shortSha(deployed?.previousSha ?? wayBack?.to ?? '')
  if (canary) return say`The release got worse. Its share of the requests goes back to ${to} now, by itself.`
  if (wayBack?.isAutomatic) return say`The release got worse. It is taken back to ${to} now, by itself.`
  const why = wayBack && !wayBack.isReady ? say` It is not taken back by itself: ${brief(wayBack.why, 400)}.` : NOTHING
  const how = wayBack?.isReady ? `rollback ${environment}` : `deploy ${environment} <sha>`
  return say`The release got worse, and is still live.${why} A person should decide: \`@${task.settings.mention} ${how}\` goes back.`
}

/** What came of taking a release back. */
export function rolledBackComment(task: Task, release: Release, back: RolledBack): Document {
  const { environment, plan, recalledBy, report } = release
  const good = shortSha(back.to)
  const me = `@${task.settings.mention}`
  if (!back.ok)
    return [
      heading(
        back.isSwitched
          ? say`❌ ${environment} was taken back to ${good}, which is broken too`
          : say`❌ ${environment} could not be taken back to ${good}`,
      ),
      ask(
        say`${recalledBy ? say`${recalledBy.login} asked for it. ` : NOTHING}A person has to look at ${environment} now: ${brief(back.error ?? '', 400)}.${recalledBy ? NOTHING : say` Nothing more is tried by itself.`}`,
      ),
    ]
  const isUnsure = report?.verdict === 'not enough evidence' && !recalledBy
  const keptOut = isUnsure ? NOTHING : keptOutText(environment, plan?.sha ?? '', me)
  return [
    heading(say`↩️ ${environment} was taken back to ${good}`),
    paragraph(
      say`${recalledBy ? say`${recalledBy.login} asked for it. ` : NOTHING}It serves again after ${back.ms < 1000 ? `${back.ms} ms` : duration(back.ms)}, and answers its health check. ${keptOut}`,
    ),
    ...becoming(becomesWork(task, release)),
  ]
}

function becoming(mend: ReturnType<typeof becomesWork>): Block[] {
  if (!mend) return []
  const cost = dollars(mend.budgetUsd)
  return [
    paragraph(say`What is known of it becomes an issue now, which I work on, for ${cost} before anybody is asked.`),
  ]
}

/** How what was left comes back. */
function keptOutText(environment: string, sha: string, me: string): Own {
  return say`${shortSha(sha)} does not go live there again, nor does what has it, until a commit reverts it (\`This reverts commit …\`) or says \`Fixes: ${sha.slice(0, 7)}\`, or somebody says \`${me} unlock ${environment} ${sha.slice(0, 7)}\`.`
}

/** Whoever went back by command is told at once; the report follows. */
export function backComment(task: Task, { environment, plan }: Release, { sha, previousSha }: Deployed): Document {
  const span = duration((plan?.watchSeconds ?? 0) * 1000)
  const isLeft = previousSha !== undefined && previousSha !== sha && plan?.relation === 'behind'
  const left = isLeft ? keptOutText(environment, previousSha, `@${task.settings.mention}`) : NOTHING
  return [
    heading(say`↩️ ${environment} serves ${shortSha(sha)} again`),
    paragraph(say`It is watched for ${span}; the report follows here. ${left}`),
  ]
}

function figureRows(before: Figures, after: Figures): string[][] {
  const rate = (figures: Figures) =>
    figures.requests === 0 ? '–' : `${((100 * figures.errors) / figures.requests).toFixed(1)} % (${figures.errors})`
  const ms = (value: number | undefined) => (value === undefined ? '–' : `${value} ms`)
  return [
    ['Window', before.seconds > 0 ? duration(before.seconds * 1000) : '–', duration(after.seconds * 1000)],
    ['Requests', `${before.requests}`, `${after.requests}`],
    ['Errors', rate(before), rate(after)],
    ['Latency p50', ms(before.p50), ms(after.p50)],
    ['Latency p95', ms(before.p95), ms(after.p95)],
  ]
}

/** Requests and errors over the watch, as a Mermaid chart. */
function chart({ series }: ReleaseReport): string {
  const axis = series.map((point) => point.second).join(', ')
  return [
    'xychart-beta',
    '  title "Requests (bars) and errors (line) during the watch"',
    `  x-axis "second" [${axis}]`,
    `  y-axis "per slice" 0 --> ${Math.max(1, ...series.map((point) => point.requests))}`,
    `  bar [${series.map((point) => point.requests).join(', ')}]`,
    `  line [${series.map((point) => point.errors).join(', ')}]`,
  ].join('\n')
}
