import { type Bisect, type Bisected, outcomeOf } from '../bisect.ts'
import type { Release, Task } from '../task/types.ts'
import {
  type Block,
  brief,
  type Document,
  heading,
  list,
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
export function bisectedComment(task: Task, { suspects }: Bisected): Document {
  const tried = rowOf(task.releases)
  const [first] = suspects
  const environment = tried.at(-1)?.environment ?? ''
  const isFound = suspects.length === 1 && first
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
          paragraph('Of these, all that were tried could not be told:'),
          list(
            suspects
              .slice(-MOST)
              .map(({ sha, title, author }) => say`${shortSha(sha)} ${brief(title, 100)} (${value(author, 60)})`),
          ),
        ]),
    ...triedTable(tried),
    paragraph(
      say`What was deployed last stays live on ${environment}. \`@${task.settings.mention} deploy ${environment} <sha>\` puts something else there.`,
    ),
  ]
}

/** The releases of the row that ended last, the first of them first. */
function rowOf(releases: readonly Release[]): readonly Release[] {
  const before = releases.findLastIndex(
    ({ bisect, bisected }, nth) => nth < releases.length - 1 && (!bisect || bisected !== undefined),
  )
  return releases.slice(before + 1)
}

function triedTable(releases: readonly Release[]): Block[] {
  const rows = releases.flatMap((release) => {
    const outcome = outcomeOf(release)
    return release.plan && outcome ? [[shortSha(release.plan.sha), OUTCOMES[outcome]]] : []
  })
  return rows.length > 0 ? [table(['Tried', 'It was'], rows)] : []
}

/** Why one is planned. */
export function bisectText({ good, bad, skipped }: Bisect, sha: string): Own {
  if (sha === good) return say`what the next ones are compared with: the last that is known not to be worse`
  const left = skipped.length > 0 ? say`; ${skipped.length} could not be told` : say``
  return say`to find what made it worse, between ${shortSha(good)} (not worse) and ${shortSha(bad)} (worse)${left}`
}
