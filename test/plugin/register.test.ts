import { describe, expect, it } from 'vitest'
import { readCall } from '../../src/core/commandline.ts'
import { ROLES } from '../../src/core/roles.ts'
import { NOBODY, type StepDefinition, type WorkflowDefinition } from '../../src/core/workflows/define.ts'
import { openedBy, workflowOf } from '../../src/core/workflows/registry.ts'
import { definePlugin, type Plugin } from '../../src/plugin/define.ts'
import { plugins, register } from '../../src/plugin/register.ts'
import { LIGHT } from '../support/light.ts'

const step = (plugin: string): StepDefinition => ({
  kind: `${plugin}/look`,
  role: `${plugin}/clerk`,
  name: 'Look',
  phase: { name: 'Look', countsRounds: false },
  needs: [],
  costs: false,
  wanted: () => [],
})
const workflow = (plugin: string): WorkflowDefinition => ({
  ...LIGHT,
  name: `${plugin}/audit`,
  opensBy: [`${plugin}/audit`],
  steps: [step(plugin)],
  stages: [{ steps: [`${plugin}/look`], ahead: () => [], people: NOBODY }],
})
const command = (plugin: string, word: string) => ({
  name: `${plugin}/audit` as const,
  word,
  usage: word,
  help: 'look at it',
  examples: [word],
  tells: false,
  takesWords: false,
})
const handler = async () => ({ kind: 'artefact', artefact: 1 }) as const
let count = 0
const letters = (n: number): string => String(n).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')
/** A plug-in that nobody has seen yet. @param change what is wrong with it */
const fresh = (change: (name: string) => Partial<Plugin> = () => ({}), word = 'audit'): Plugin => {
  const name = `try-${++count}`
  return definePlugin({
    name,
    needs: '^1.0.0',
    roles: [{ name: `${name}/clerk`, title: 'Clerk', handlers: { [`${name}/look`]: handler } }],
    workflows: [workflow(name)],
    commands: [command(name, `${word}${letters(count)}`)],
    ...change(name),
  })
}

describe('a plug-in', () => {
  it('has its word told to whoever mistypes it or is polite, and prose stays prose', () => {
    const plugin = fresh(() => ({}), 'sweepfloor')
    register(plugin, 'try')
    const word = plugin.commands?.[0]?.word ?? ''
    const read = (first: string) => readCall({ first, more: '', own: '' })
    for (const said of [word.replace('ee', 'e'), word.replace('oo', 'ooo'), `please ${word}`, `${word} please`])
      expect(read(said), said).toMatchObject({ verb: 'unclear', kind: 'typo', meant: word })
    expect(read(`${word}ing`)).toMatchObject({ verb: 'unclear', meant: word })
    expect(read(`${word} leaves dust in the corners`)).toMatchObject({ verb: 'request' })
    expect(read(`${word.replace('ee', 'e')} leaves dust`)).toMatchObject({ verb: 'request' })
  })

  it('adds to the registries: its role, its workflow, and the word that begins it', () => {
    const plugin = fresh()
    register(plugin, 'try')
    expect(plugins()).toContain(plugin)
    expect(ROLES.names()).toContain(`${plugin.name}/clerk`)
    const word = plugin.commands?.[0]?.word ?? ''
    const read = readCall({ first: word, more: '', own: '' })
    expect(read).toEqual({ verb: `${plugin.name}/audit`, text: '' })
    expect(openedBy(read.verb)?.name).toBe(`${plugin.name}/audit`)
    expect(workflowOf({ workflow: `${plugin.name as 'a'}/audit` }).steps).toHaveLength(1)
    // Named twice in the settings, it is there once.
    expect(() => register(plugin, 'again')).not.toThrow()
  })

  it.each<[string, () => Plugin, string]>([
    ['for another version', () => fresh(() => ({ needs: '^2.0.0' })), 'wants version ^2.0.0 of what plug-ins are made'],
    ['for no version', () => fresh(() => ({ needs: 'newest' })), 'a semantic range such as ^1.0.0'],
    ['with no name', () => fresh(() => ({ name: 'A b' })), 'small letters, digits and hyphens'],
    [
      'with a handler that is none',
      () => fresh((n) => ({ roles: [{ name: `${n}/x`, title: 'X', handlers: { [`${n}/y`]: 7 as never } }] })),
      'a function',
    ],
    [
      'whose names are somebody else’s',
      () => fresh(() => ({ workflows: [workflow('other')] })),
      'other/audit is not called "try-',
    ],
    [
      'that is called like a core thing',
      () => fresh(() => ({ workflows: [{ ...workflow('x'), name: 'change' }] })),
      'change is not called "try-',
    ],
    ['that brings what nobody reads', () => fresh(() => ({ comands: [] }) as never), 'comands'],
    [
      'with a step that nobody does',
      () => fresh((n) => ({ roles: [{ name: `${n}/clerk`, title: 'Clerk', handlers: {} }] })),
      'nobody does the step',
    ],
    ['with a role that is not there', () => fresh(() => ({ roles: [] })), 'there is no role'],
    [
      'with a command that is there already',
      () => fresh((n) => ({ commands: [command(n, 'cancel')] })),
      '"cancel" is a command that is there already',
    ],
    [
      'with a command that people say out of politeness',
      () => fresh((n) => ({ commands: [command(n, 'thanks')] })),
      '"thanks" is what people say',
    ],
    [
      'with a command that is nearly another',
      () => fresh((n) => ({ commands: [command(n, 'bild')] })),
      '"bild" is what people say (typo)',
    ],
    [
      'with a workflow that leads nowhere',
      () => fresh((n) => ({ workflows: [{ ...workflow(n), stages: [] }] })),
      'stands in no stage',
    ],
    [
      'with a workflow that nobody can begin',
      () => fresh((n) => ({ workflows: [{ ...workflow(n), opensBy: ['gone/x'] }] })),
      'there is no command gone/x',
    ],
    [
      'that begins what another begins',
      () => fresh((n) => ({ workflows: [{ ...workflow(n), opensBy: ['ask'] }] })),
      'ask begins other work already',
    ],
    [
      'with a tool that a model could not tell',
      () => fresh(() => ({ tools: [{ name: 'look', description: 'x', call: handler } as never] })),
      'the tool look is not called "try_',
    ],
  ])('%s is refused, and told why', (_, make, why) => {
    expect(() => register(make(), './x.js')).toThrow(why)
    expect(() => register(make(), './x.js')).toThrow(/^The plug-in \.\/x\.js cannot be used: /)
  })

  it('of a name that another has is refused', () => {
    const { name } = plugins()[0] ?? { name: '' }
    expect(() =>
      register(
        fresh(() => ({ name })),
        './x.js',
      ),
    ).toThrow(`another plug-in is called ${name}`)
  })
})

describe('steps that a plug-in adds to a workflow', () => {
  it('stand in its checklist and follow from it; what is there goes on as before', () => {
    const plugin = fresh((name) => ({
      workflows: [],
      commands: [],
      extensions: [{ workflow: 'change', steps: [{ ...step(name), needs: ['prove'] }], beside: 'prove' }],
    }))
    const before = workflowOf({ workflow: 'change' })
    register(plugin, 'try')
    const after = workflowOf({ workflow: 'change' })
    expect(after.steps.map(({ kind }) => kind)).toEqual([
      ...before.steps.map(({ kind }) => kind),
      `${plugin.name}/look`,
    ])
    expect(after.stages[0]?.steps).toContain(`${plugin.name}/look`)
  })

  it('need what is there', () => {
    const lost = fresh((name) => ({
      workflows: [],
      commands: [],
      extensions: [{ workflow: 'change', steps: [{ ...step(name), needs: ['gone/x'] }], beside: 'prove' }],
    }))
    expect(() => register(lost, 'try')).toThrow('needs gone/x, which is no step of it')
  })
})
