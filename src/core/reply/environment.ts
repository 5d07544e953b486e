import type { EnvironmentState, Turn } from '../environments/types.ts'
import type { Dora } from '../environments/dora.ts'
import {
  brief,
  clockTime,
  type Document,
  duration,
  list,
  NOTHING,
  type Own,
  paragraph,
  say,
  shortSha,
} from './document.ts'

/** What there is to say about an environment: what is live, who has it, who waits, whether it is locked. */

/** @param first what has just been done, in a sentence */
export function environmentReply(name: string, state: EnvironmentState | undefined, me: string, first?: Own): Document {
  const rows = state ? rowsOf(state, me) : [say`Nothing has been deployed to ${name} by me yet.`]
  return [...(first ? [paragraph(first)] : [paragraph(say`**${name}**`)]), list(rows)]
}

function rowsOf({ live, lock, holder, queue, name, quarantine }: EnvironmentState, me: string): Own[] {
  return [
    live
      ? say`Live: ${shortSha(live.sha)} since ${clockTime(live.since)}${live.verdict ? say`, ${live.verdict}` : say`, watched`}${live.percent === undefined ? NOTHING : say`, with ${live.percent} % of the requests at first; what was live before has the rest`}.`
      : say`Live: nothing that I have deployed.`,
    lock
      ? say`🔒 Locked by ${lock.by.login} since ${clockTime(lock.at)}${lock.reason ? say`: ${brief(lock.reason, 200)}` : NOTHING}. \`@${me} unlock ${name}\` lifts it.`
      : say`Not locked.`,
    ...(quarantine.length > 0
      ? [
          say`Taken back, and kept out: ${quarantine
            .slice(-5)
            .map(({ sha }) => sha.slice(0, 7))
            .join(', ')}.`,
        ]
      : []),
    ...(holder ? [say`Under way: ${turnText(holder)}, since ${clockTime(holder.givenAt ?? holder.askedAt)}.`] : []),
    ...(queue.length > 0 ? [say`${queue.length} in line: ${queue.slice(0, 5).map(shortOf).join(', ')}.`] : []),
  ]
}

function turnText({ sha, by }: Turn): Own {
  return say`${shortSha(sha)}, asked for by ${by.login}`
}

function shortOf({ sha, by }: Turn): string {
  return `${sha.slice(0, 7)} by ${by.login}`
}

/** Its last weeks in a sentence; nothing where nothing went live. */
export function doraReply(dora: Dora | undefined): Document {
  if (!dora || dora.deployments === 0) return []
  const { from, to, deployments, leadMs, judged, failed, restoreMs } = dora
  const weeks = (to - from) / WEEK_MS
  const parts = [
    `${deployments} ${deployments === 1 ? 'deploy' : 'deploys'} (${(deployments / weeks).toFixed(1)} a week)`,
    ...(leadMs === undefined ? [] : [`from commit to live ${duration(leadMs)}`]),
    ...(judged === 0 ? [] : [`${failed} of ${judged} got worse`]),
    ...(restoreMs === undefined ? [] : [`good again after ${duration(restoreMs)}`]),
  ]
  return [paragraph(say`The last ${Math.round(weeks)} weeks: ${parts.join(', ')} (medians).`)]
}

const WEEK_MS = 7 * 86_400_000
