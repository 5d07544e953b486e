import { noteReply } from '../reply/answers.ts'
import { type Decided, type PersonCommand, refused } from '../deciding/commands.ts'
import type { Task } from '../task/types.ts'

/** A word of a later version: said to be one, and nothing is done. */
export function notYet(_task: Task, { command: { verb } }: PersonCommand): Decided {
  const detail = `\`${verb}\` is not available in this version.`
  return refused('not_available', detail, noteReply(detail))
}
