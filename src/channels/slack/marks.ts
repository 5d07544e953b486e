import type { EffectResult, Mark } from '../../core/effects.ts'
import { markOf } from '../../core/showing/marks.ts'
import { type SendContext, SendError } from '../types.ts'
import { nameOf } from './client.ts'
import type { SlackSendDeps, Thread } from './deps.ts'

/** How Slack calls the signs. */
const NAMES: Readonly<Record<Mark, string>> = { eyes: 'eyes', done: 'white_check_mark', warning: 'warning' }

/** A sign on a message, which Slack keeps once. */
export async function sign(
  { client }: SlackSendDeps,
  { room: channel }: Thread,
  timestamp: string,
  mark: Mark,
  { mayLeave }: Pick<SendContext, 'mayLeave'>,
): Promise<EffectResult> {
  if (!timestamp) return {}
  mayLeave()
  await unless(/^already_reacted$|^message_not_found$/, () =>
    client.reactions.add({ channel, timestamp, name: NAMES[mark] }),
  )
  return { ref: NAMES[mark] }
}

/** The sign on a request says where its work stands; what it said before goes. */
export async function markRequest(
  deps: SlackSendDeps,
  surface: Thread,
  timestamp: string,
  { task, previous, mayLeave }: SendContext,
): Promise<EffectResult> {
  if (!task) throw new SendError('fatal', 'the task is gone')
  const mark = markOf(task)
  if (previous?.ref === NAMES[mark]) return previous
  const before = previous?.ref ?? NAMES.eyes
  if (before !== NAMES[mark]) {
    mayLeave()
    await unless(/^no_reaction$|^message_not_found$/, () =>
      deps.client.reactions.remove({ channel: surface.room, timestamp, name: before }),
    )
  }
  return sign(deps, surface, timestamp, mark, { mayLeave })
}

async function unless(is: RegExp, act: () => Promise<unknown>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!is.test(nameOf(error))) throw error
  }
}
