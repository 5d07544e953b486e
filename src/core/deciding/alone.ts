import type { Command } from '../command.ts'
import { allCommands } from '../commands/registry.ts'
import { helpReply, invalidReply, noteReply, unclearReply } from '../reply/answers.ts'
import type { Document } from '../reply/document.ts'
import type { Decision } from './commands.ts'

export interface Alone {
  readonly document: Document
  readonly decision: Decision
  /** Said once in a conversation. */
  readonly once?: 'offer'
}

/** What a command comes to where nothing is under way. @param name what Muster is called, without `@` */
export function decideAlone(command: Command, name: string): Alone {
  const no = (reason: string, detail: string): Decision => ({ outcome: 'refused', reason, detail })
  switch (command.verb) {
    case 'help':
      return {
        document: helpReply(allCommands()),
        decision: { outcome: 'accepted', reason: 'help', detail: '' },
      }
    case 'invalid':
      return { document: invalidReply(command.reason), decision: no('bad_argument', command.reason) }
    case 'unclear':
      return {
        document: unclearReply(command, undefined, name),
        decision: { outcome: 'ignored', reason: 'unclear', detail: `${command.kind}; nothing was begun` },
      }
    case 'note':
      if (command.meant) return decideAlone(command.meant, name)
      return {
        document: noteReply(`Do you want me to work on this? \`@${name} build\` at the start of a line begins it.`),
        decision: { outcome: 'ignored', reason: 'mentioned', detail: 'spoken to within a sentence' },
        once: 'offer',
      }
    default:
      return {
        document: noteReply(
          `There is no task in this conversation yet. \`@${name} build\` with what is wanted starts one.`,
        ),
        decision: no('no_task', 'there is no task in this conversation'),
      }
  }
}
