import { isAdded } from '../command.ts'
import { decideAdded } from '../commands/added.ts'
import { decideCommand, mayCommand } from '../commands/registry.ts'
import { invalidReply } from '../reply/answers.ts'
import { isQuestion } from '../unclear.ts'
import { mayAnswer } from '../task/asked.ts'
import { type Decided, type PersonCommand, refused } from './commands.ts'
import { note, noQuestion, unclear, words } from './saying.ts'
import { isActive } from '../task/steps.ts'
import type { Task } from '../task/types.ts'

/** What a person's words do to a task. */
export function decidePerson(task: Task, said: PersonCommand): Decided {
  const { command } = said
  const ruling = mayCommand(command.verb, said.canWrite || mayAnswer(task, said.by, command.verb))
  if (!ruling.ok) return refused(ruling.reason, ruling.detail)
  switch (command.verb) {
    case 'invalid':
      return refused('bad_argument', command.reason, invalidReply(command.reason))
    case 'unclear':
      return unclear(task, said, command)
    case 'note':
      return command.meant ? unclear(task, said, command.meant) : note(task, said, command.text)
    case 'request':
      return isQuestion(command.text) && isActive(task) ? noQuestion(task) : words(task, said, command.text)
    default:
      return isAdded(command) ? decideAdded(task, said, command) : decideCommand(task, said, command)
  }
}
