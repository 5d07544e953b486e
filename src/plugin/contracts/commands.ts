import assert from 'node:assert/strict'
import { isVerb } from '../../core/command.ts'
import { readCall } from '../../core/commandline.ts'
import { type AddedCommand, toldOf } from '../../core/commands/added.ts'
import { allCommands, COMMANDS, mayCommand } from '../../core/commands/registry.ts'
import { helpReply } from '../../core/reply/answers.ts'
import type { Command } from '../../core/command.ts'
import { openedBy } from '../../core/workflows/registry.ts'
import { checks, type ContractCheck } from './check.ts'

/** A command, whoever has it. */
interface Owed {
  readonly verb: Command['verb']
  /** What people say. */
  readonly word: string
  readonly usage: string
  readonly help: string | undefined
  readonly examples: readonly string[]
  readonly tells: boolean
  readonly takesWords: boolean
}

/** What a command of a plug-in's owes, once it was added. */
export function addedCommandContract(command: AddedCommand): readonly ContractCheck[] {
  return [
    ...commandContract({ ...command, verb: command.name }),
    ...checks({
      'does something: it begins work, or has something to decide': () => {
        assert.ok(command.decide ?? openedBy(command.name), 'nothing comes of it')
        assert.ok(allCommands().some((told) => told.verb === toldOf(command).verb))
      },
    }),
  ]
}

/** What a command owes (the same for every command). */
export function commandContract({
  verb,
  word,
  usage,
  help,
  examples,
  tells,
  takesWords,
}: Owed): readonly ContractCheck[] {
  const read = (first: string, more = '') => readCall({ first, more, own: more }, ['production', 'staging'])
  return checks({
    'is said as it is told of': () => {
      assert.equal(usage.split(' ', 1)[0], word)
      if (isVerb(word)) assert.equal(COMMANDS[word].usage, usage)
    },
    'has examples, each of which is read as it': () => {
      assert.ok(examples.length > 0)
      for (const example of examples) assert.equal(read(example).verb, verb, example)
    },
    'is told of in the list, unless it is not there yet': () => {
      const told = helpReply([{ verb: word, usage, help }])
      assert.equal(JSON.stringify(told).includes(help ?? usage), help !== undefined)
    },
    'may be given by anybody only where it tells': () => {
      assert.equal(mayCommand(verb, false).ok, tells)
      assert.equal(mayCommand(verb, true).ok, true)
      if (tells) assert.equal(openedBy(verb), undefined)
    },
    'does nothing by a question, unless it tells or takes words': () => {
      if (tells || takesWords || !isVerb(word)) return
      assert.ok(['unclear', 'request', 'invalid'].includes(read(`${word}?`).verb))
    },
  })
}
