import { describe, expect, it } from 'vitest'
import { readCall } from '../../src/core/commandline.ts'
import { VERBS } from '../../src/core/command.ts'
import { COMMANDS, mayCommand } from '../../src/core/commands/registry.ts'
import { helpReply } from '../../src/core/reply/answers.ts'
import { openedBy } from '../../src/core/workflows/registry.ts'

/** What every command owes: a new one is finished when this passes. */
describe.each(VERBS.map((verb) => COMMANDS[verb]))('the command $verb', (definition) => {
  const { verb, usage, help, examples, tells, takesWords } = definition
  const read = (first: string, more = '') => readCall({ first, more, own: more }, ['production', 'staging'])

  it('is said as it is told of', () => {
    expect(usage.split(' ', 1)).toEqual([verb])
    expect(COMMANDS[verb]).toBe(definition)
  })

  it('has examples, each of which is read as it', () => {
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) expect(read(example), example).toMatchObject({ verb })
  })

  it('is told of in the list, unless it is not there yet', () => {
    expect(JSON.stringify(helpReply([definition])).includes(help ?? usage)).toBe(help !== undefined)
  })

  it('may be given by anybody only where it tells', () => {
    expect(mayCommand(verb, false).ok).toBe(tells)
    expect(mayCommand(verb, true).ok).toBe(true)
    if (tells) expect(openedBy(verb)).toBeUndefined()
  })

  it('does nothing by a question, unless it tells or takes words', () => {
    if (tells || takesWords) return
    expect(['unclear', 'request', 'invalid']).toContain(read(`${verb}?`).verb)
  })
})
