import { ticketName } from '../said.ts'
import { withoutEnd } from '../text.ts'
import { workflowOf } from '../workflows/registry.ts'
import type { Task } from './types.ts'

/** Under which name, and what of, the work of a task is published. */

/** What a task is called that began nowhere. */
export const NAMELESS = '0'

/** Protected files that a task may change: those of the settings, and of its workflow. */
export function allowedIn(task: Pick<Task, 'settings' | 'workflow'>): readonly string[] {
  return [...task.settings.protect.allow, ...(workflowOf(task).mayChange ?? [])]
}

/** What a task is called where it began: its issue, or its ticket. */
export function nameOf({ origin }: Task): string {
  if (origin.number > 0) return String(origin.number)
  const { surface } = origin
  return surface ? (ticketName(surface) ?? surface.channel) : NAMELESS
}

/** At most so many characters of words that hyphens join, and none of them cut in two unless it is the only one. */
function wholeWords(words: string, most: number): string {
  if (words.length <= most) return words
  const end = words.lastIndexOf('-', most)
  return withoutEnd(words.slice(0, end > 0 ? end : most), '-')
}

/** The branch of a task: `muster/<issue>-<slug>`, and a number from the second task of a conversation on. */
export function branchName(task: Task): string {
  const { branch } = workflowOf(task)
  if (branch) return branch
  const words = (task.spec?.title ?? task.origin.title)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
  return `muster/${nameOf(task)}-${wholeWords(withoutEnd(words, '-'), 40) || 'change'}${task.origin.nth > 1 ? `-${task.origin.nth}` : ''}`
}
