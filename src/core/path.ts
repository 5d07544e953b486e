import type { Task } from './task/types.ts'

/** As long as the work: what is small goes a short way. Pure. */

/** A request of so many characters can be taken in at one glance. */
const SMALL_REQUEST = 8000
/** And a conversation of so many messages. */
const SMALL_CONVERSATION = 12

/** Whether spec and design are written in one go: where the repository has it so and the request is small. What turns out to be larger or riskier than it looked is designed apart all the same. */
export function isShort({ settings, origin }: Pick<Task, 'settings' | 'origin'>): boolean {
  if (settings.planning !== 'together') return false
  const said = [origin.title, origin.body, origin.request ?? '', ...(origin.tickets ?? [])]
  const thread = origin.thread ?? []
  const size = [...said, ...thread.map(({ text }) => text)].reduce((sum, text) => sum + text.length, 0)
  return size <= SMALL_REQUEST && thread.length <= SMALL_CONVERSATION
}
