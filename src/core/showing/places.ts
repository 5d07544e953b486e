import type { Button, EffectIntent, Thread } from '../effects.ts'
import type { Document } from '../reply/document.ts'
import { type Surface, surfaceKey } from '../said.ts'
import type { Person, Task } from '../task/types.ts'

/** The thread in which the task was asked for; of a task without an issue, its pull request's. Number 0: there is none yet. */
export function place(task: Task): Thread {
  const { repository, number } = task.origin
  return { repository, number: number > 0 ? number : (task.pullRequest?.number ?? 0) }
}

/** The thread of the pull request, where there is one. */
export function pullPlace(task: Task): Thread {
  return { repository: task.origin.repository, number: task.pullRequest?.number ?? task.origin.number }
}

/** The same news on every surface, each by itself. */
export function comment(
  task: Task,
  key: string,
  document: Document,
  buttons: readonly Button[] = [],
  calls: readonly Person[] = [],
): EffectIntent[] {
  const here = place(task)
  const onGithub: EffectIntent[] =
    here.number > 0 ? [{ key: `comment:${key}`, body: { kind: 'comment', place: here, document } }] : []
  return [...onGithub, ...(task.surfaces ?? []).map((surface) => message(task, surface, key, document, buttons, calls))]
}

/** News that is rewritten when something comes of it, on every surface; each stays where it stands. */
export function rewritten(task: Task, key: string, document: Document): EffectIntent[] {
  const here = place(task)
  const onGithub: EffectIntent[] =
    here.number > 0 ? [{ key: `comment:${key}`, body: { kind: 'comment.upsert', place: here, document } }] : []
  const elsewhere = (task.surfaces ?? []).map(
    (surface): EffectIntent => ({
      key: `comment:${key}@${surfaceKey(surface)}`,
      body: { kind: 'message.upsert', place: here, surface, document, buttons: [], ...wholeOf(task) },
    }),
  )
  return [...onGithub, ...elsewhere]
}

/** News for one surface alone. */
export function message(
  task: Task,
  surface: Surface,
  key: string,
  document: Document,
  buttons: readonly Button[] = [],
  calls: readonly Person[] = [],
): EffectIntent {
  const here = place(task)
  return {
    key: `comment:${key}@${surfaceKey(surface)}`,
    body: {
      kind: 'message',
      place: here,
      surface,
      document,
      buttons,
      ...(calls.length > 0 ? { calls } : {}),
      ...wholeOf(task),
    },
  }
}

/** Where everything that is said here can be read too, and be folded. */
export function wholeOf(task: Task): { readonly whole?: string } {
  const url = task.origin.number > 0 ? task.origin.url : task.pullRequest?.url
  return url && place(task).number > 0 ? { whole: url } : {}
}
