import { noteReply } from '../reply/answers.ts'
import { type Surface, surfaceKey } from '../said.ts'
import { link as linkTo, say } from '../reply/document.ts'
import { surfaceLink } from '../reply/surface.ts'
import { accepted, type Decided, ignored, refused, type SurfaceCommand, type TaskCommand } from './commands.ts'
import type { Task } from '../task/types.ts'

/** Where else the conversation of a task is held. */

export function holds(task: Task, surface: Surface): boolean {
  const key = surfaceKey(surface)
  return (task.surfaces ?? []).some((one) => surfaceKey(one) === key)
}

export function decideSurface(task: Task, command: SurfaceCommand): Decided {
  switch (command.type) {
    case 'surface.link':
      return link(task, command)
    case 'surface.unlink':
      return unlink(task, command)
    case 'surface.reached':
      return reached(task, command.surface)
    case 'issue.link':
      return task.origin.number > 0
        ? refused('has_issue', `This task has its issue already: #${task.origin.number}.`)
        : accepted(
            'linked',
            [{ type: 'issue.opened', number: command.number, url: command.url }],
            '',
            noteReply(say`Linked: ${linkTo(command.url, `#${command.number}`)}.`),
          )
  }
}

function link(task: Task, { surface, by }: Extract<SurfaceCommand, { type: 'surface.link' }>): Decided {
  const name = surfaceLink(surface)
  if (holds(task, surface)) return { ...ignored('already_linked'), reply: noteReply(say`${name} is linked already.`) }
  return accepted(
    'linked',
    [{ type: 'surface.linked', surface, by }],
    '',
    noteReply(say`Linked: ${name}. What is said there counts here too.`),
  )
}

function unlink(task: Task, { surface, by }: Extract<SurfaceCommand, { type: 'surface.unlink' }>): Decided {
  if (!holds(task, surface))
    return { ...ignored('not_linked'), reply: noteReply(say`${surfaceLink(surface)} is not linked to this task.`) }
  const left = (task.surfaces ?? []).length > 1 || task.origin.number > 0 || task.pullRequest !== undefined
  if (by && !left)
    return refused('only_place', 'This is the only place where this task can be followed; link another first.')
  const why = by ? 'asked' : 'gone'
  return accepted(
    'unlinked',
    [{ type: 'surface.unlinked', surface, why }],
    '',
    noteReply(say`Unlinked: ${surfaceLink(surface)}. The work goes on elsewhere.`),
  )
}

/** Whether a surface was told to be out of order, and nothing has arrived there since. */
export function isTroubled({ troubled = [] }: Task, surface: Surface): boolean {
  return troubled.includes(surfaceKey(surface))
}

/** Something arrived on a surface: where that was told to be out of order, people hear that it works again. */
function reached(task: Task, surface: Surface): Decided {
  return isTroubled(task, surface)
    ? accepted('surface_mended', [{ type: 'surface.mended', surface }])
    : ignored('not_troubled')
}

/** A place that goes and comes is not told of every time. */
const QUIET_MS = 10 * 60_000

/** Something could never be shown on a surface: people hear of it where Muster can still be heard. */
export function surfaceFailed(
  task: Task,
  surface: Surface,
  { trouble, error }: Extract<TaskCommand, { type: 'effect.failed' }>,
  now: number,
): Decided {
  if (!holds(task, surface) || trouble === undefined) return accepted('effect_failed', [], error)
  if (trouble === 'gone') return accepted('surface_gone', [{ type: 'surface.unlinked', surface, why: 'gone' }], error)
  const mended = task.mended?.[surfaceKey(surface)] ?? Number.NEGATIVE_INFINITY
  const isKnown = isTroubled(task, surface) || now - mended < QUIET_MS
  return accepted('surface_troubled', isKnown ? [] : [{ type: 'surface.troubled', surface, error }], error)
}
