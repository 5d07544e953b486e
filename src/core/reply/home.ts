import { gateAt } from '../task/steps.ts'
import type { Person, Task } from '../task/types.ts'
import { headline } from './card.ts'
import {
  type Block,
  brief,
  type Document,
  heading,
  link,
  list,
  NOTHING,
  paragraph,
  say,
  type Words,
} from './document.ts'
import { needed } from './needed.ts'

/** Somebody's own page: what waits for them, and what they asked for. @param linkUrl where somebody unknown can sign in */
export function homeDocument(
  known: { readonly person: Person; readonly open: readonly Task[] } | undefined,
  linkUrl: string,
): Document {
  if (!known)
    return [
      heading('Muster'),
      paragraph(
        say`I don't know yet which GitHub account is yours. ${link(linkUrl, 'Sign in with GitHub once')} to see your work here.`,
      ),
    ]
  const { person, open } = known
  const waiting = open.filter((task) => waitsFor(task, person))
  const mine = open.filter((task) => task.origin.requester.id === person.id && !waiting.includes(task))
  return [
    heading('Waiting for you'),
    ...rows(waiting, 'Nothing waits for you.'),
    heading('What you asked for'),
    ...rows(mine, 'Nothing of yours is under way. Mention me in a channel with what you want, and a repository.'),
  ]
}

/** Whether a decision is open that this person may take: one's own deploy is approved by others. */
function waitsFor(task: Task, { id }: Person): boolean {
  const { gates, releases, status } = task
  if (status !== 'waiting' && gates.length === 0) return false
  if (gates.length !== 1 || !gateAt(task, 'deploy')) return true
  const release = releases.at(-1)
  return release?.plan?.approval === 'self' || release?.requester.id !== id
}

function rows(tasks: readonly Task[], none: string): Block[] {
  if (tasks.length === 0) return [paragraph(none)]
  return [list(tasks.map((task) => say`**${title(task)}** ${headline(task, task.openedAt)}${ask(task)}`))]
}

function title({ spec, origin }: Task): Words {
  const name = spec?.title ?? origin.title
  return origin.url ? link(origin.url, name, 100) : brief(name, 100)
}

function ask(task: Task): Words {
  const [first] = needed(task)
  return first?.kind === 'ask' ? say` · ${first.text}` : NOTHING
}
