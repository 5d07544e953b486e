import { titleOf } from '../said.ts'
import { isActive } from '../task/steps.ts'
import type { Person, SettledAs, Task, Whence } from '../task/types.ts'
import { brief, clockTime, type Document, link, NOTHING, type Own, paragraph, say } from './document.ts'

/** What was decided, in the words in which it is told to whoever comes too late. */
const DECIDED: Readonly<Record<SettledAs, string>> = {
  'plan approved': 'The plan was approved',
  'plan rejected': 'The plan was rejected',
  'plan changed': 'The plan was sent back with words about it',
  'deploy approved': 'The deploy was approved',
  'deploy rejected': 'The deploy was rejected',
  'questions answered': 'The questions were answered',
  'budget extended': 'More money was given',
  'baseline accepted': 'To go on without proof was decided',
  'baseline again': 'The tests are run again, as was asked for',
}

/** `by alice on Slack, 14:03 UTC, 20 Nov` */
export function byWhom({ login }: Person, from: Whence | undefined, at: number): Own {
  return say`by ${login}${from ? say` ${whereFrom(from)}` : NOTHING}, ${clockTime(at)}`
}

function whereFrom({ channel, url }: Whence): Own {
  const name = channel === 'github' ? 'GitHub' : titleOf(channel)
  return url ? say`on ${link(url, name)}` : say`on ${name}`
}

/** Whoever decides what does not wait any more is told who decided it, or that the work is over. @param first said before that */
export function lateReply(task: Task | undefined, first: Own): Document {
  return [paragraph(say`${first} ${task ? latest(task) : NOTHING}`)]
}

function latest(task: Task): Own {
  const { settled, status, outcome } = task
  if (status === 'cancelled') return say`The work was cancelled.`
  if (!isActive(task)) return say`The work has ended${outcome ? say`: ${brief(outcome, 200)}` : NOTHING}.`
  return settled ? say`${DECIDED[settled.what]} ${byWhom(settled.by, settled.from, settled.at)}.` : NOTHING
}
