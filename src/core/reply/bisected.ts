import { type Bisect, type Bisected, outcomeOf, rowOf } from '../bisect.ts'
import type { Release, Task } from '../task/types.ts'
import {
  type Block,
  brief,
  type Document,
  heading,
  list,
  mono,
  type Own,
  paragraph,
  say,
  shortSha,
  table,
  value,
} from './document.ts'

/** What is said of a row of releases that looks for a commit. */

const OUTCOMES = { good: 'not worse', bad: 'worse', unknown: 'could not be told', ground: 'to compare with' } as const
/** So many are named. */
const MOST = 20

/** Which commit it was, and what was tried. */
export function bisectedComment(task: Task, row: number, { suspects, why }: Bisected): Document {
  const tried = rowOf(task.releases, row)
  const [first] = suspects
  const environment = tried.at(-1)?.environment ?? ''
  if (suspects.length === 0 || !first)
    return [
      heading(say`🔎 The search was given up: ${why ?? 'nothing was found'}`),
      ...between(tried.at(-1)),
      ...triedTable(tried),
      ...nowServes(task, tried),
    ]
  const isFound = suspects.length === 1
  return [
    heading(
      isFound ? say`🔎 ${shortSha(first.sha)} made it worse` : say`🔎 One of ${suspects.length} commits made it worse`,
    ),
    ...(isFound
      ? [
          paragraph(
            say`${brief(first.title, 200)} (${value(first.author, 60)}): without it ${environment} was not worse, with it, it was.`,
          ),
        ]
      : [
          paragraph('It could not be told of all of them:'),
          list(
            suspects
              .slice(-MOST)
              .map(({ sha, title, author }) => say`${shortSha(sha)} ${brief(title, 100)} (${value(author, 60)})`),
          ),
        ]),
    ...triedTable(tried),
    ...nowServes(task, tried),
  ]
}

function between(last: Release | undefined): Block[] {
  const { good, bad } = last?.plan?.bisect ?? last?.bisect ?? {}
  return good && bad
    ? [paragraph(say`It is after ${shortSha(good)} (not worse), and ${shortSha(bad)} (worse) at the latest.`)]
    : []
}

function triedTable(releases: readonly Release[]): Block[] {
  const rows = releases.flatMap((release) => {
    const outcome = outcomeOf(release)
    return release.plan && outcome ? [[shortSha(release.plan.sha), OUTCOMES[outcome]]] : []
  })
  return rows.length > 0 ? [table(['Tried', 'It was'], rows)] : []
}

/** What is live there now, and what was before. */
function nowServes({ settings }: Task, tried: readonly Release[]): Block[] {
  const last = tried.findLast(({ deployed }) => deployed?.ok)
  const live = last?.rolledBack?.ok ? last.rolledBack.to : last?.deployed?.sha
  const before = tried.find(({ plan }) => plan !== undefined)?.plan?.liveSha
  if (!last || !live) return []
  const command =
    before && before !== live
      ? mono(`@${settings.mention} deploy ${last.environment} ${before.slice(0, 12)}`)
      : undefined
  return [
    paragraph(
      command
        ? say`${last.environment} serves ${shortSha(live)} now. ${command} puts back what was there before the search.`
        : say`${last.environment} serves ${shortSha(live)} now.`,
    ),
  ]
}

/** Why one is planned. */
export function bisectText({ good, bad, skipped }: Bisect, sha: string): Own {
  if (sha === good) return say`what the next ones are compared with: the last that is known not to be worse`
  const left = skipped.length > 0 ? say`; ${skipped.length} could not be told` : say``
  return say`to find what made it worse, between ${shortSha(good)} (not worse) and ${shortSha(bad)} (worse)${left}`
}
