import { describe, it } from 'vitest'
import { VERBS } from '../../src/core/command.ts'
import { COMMANDS } from '../../src/core/commands/registry.ts'
import { commandContract } from '../../src/plugin/contracts/commands.ts'

/** Every command: a new one is finished when this passes. */
describe.each(VERBS.map((verb) => COMMANDS[verb]))('the command $verb', (definition) => {
  for (const { name, run } of commandContract({ ...definition, word: definition.verb })) it(name, run)
})
