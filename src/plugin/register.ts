import semver from 'semver'
import { z } from 'zod'
import { CHANNELS } from '../channels/registry.ts'
import { addChannel } from '../core/channels/registry.ts'
import { ADDED, addCommand } from '../core/commands/added.ts'
import { isVerb } from '../core/command.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { isPluginName, pluginOf } from '../core/registry.ts'
import { ROLES } from '../core/roles.ts'
import { addWorkflow, extendWorkflow } from '../core/workflows/registry.ts'
import { PROVIDERS } from '../llm/registry.ts'
import { TARGETS } from '../releases/registry.ts'
import { HANDLERS } from '../roles/registry.ts'
import { SECTIONS } from '../roles/sections.ts'
import { TOOLS } from '../tools/tools.ts'
import { ofAll, type OfBrought, type Plugin } from './define.ts'

/** The version of what plug-ins are made against (`index.ts`), by the rules of semantic versioning. */
export const SURFACE = '1.0.0'

const named = z.looseObject({ name: z.string() })
const call = z.custom((value) => typeof value === 'function', 'a function')
/** The form of a plug-in, as far as what goes wrong with it would be a riddle later. */
const Form = z.strictObject({
  name: z.string().refine(isPluginName, 'small letters, digits and hyphens, at most 40'),
  needs: z.string().refine((range) => semver.validRange(range) !== null, 'a semantic range such as ^1.0.0'),
  roles: z.array(named.extend({ title: z.string(), handlers: z.record(z.string(), call) })).optional(),
  tools: z.array(named.extend({ description: z.string(), call })).optional(),
  workflows: z.array(named.extend({ steps: z.array(z.looseObject({ kind: z.string(), wanted: call })) })).optional(),
  extensions: z.array(z.looseObject({ workflow: z.string(), steps: z.array(z.unknown()) })).optional(),
  commands: z.array(named.extend({ word: z.string(), usage: z.string(), examples: z.array(z.string()) })).optional(),
  providers: z.array(named.extend({ settings: call, priceOf: call })).optional(),
  targets: z.array(named.extend({ open: call })).optional(),
  channels: z.array(z.looseObject({ traits: named, module: call })).optional(),
  sections: z.record(z.string(), z.looseObject({ text: call })).optional(),
} satisfies Readonly<Record<keyof Plugin, z.ZodType>>)

/** The plug-ins of this process, by their names. */
const registered = new Map<string, Plugin>()

/** Those that are there. */
export function plugins(): readonly Plugin[] {
  return [...registered.values()]
}

/**
 * Adds what a plug-in brings to the registries; one that is there already is left alone.
 * @param from where it was found, for whoever has to mend it
 * @throws UserError `bad_plugin` saying what is wrong with it: a form that is none, a version that does not fit, a name that is taken
 */
export function register(plugin: Plugin, from: string): void {
  const read = Form.safeParse(plugin)
  if (!read.success) throw bad(from, `is no plug-in: ${z.prettifyError(read.error).replaceAll(/\s+/g, ' ')}`)
  const { name, needs } = plugin
  if (registered.get(name) === plugin) return
  if (registered.has(name)) throw bad(from, `another plug-in is called ${name}`)
  if (!semver.satisfies(SURFACE, needs))
    throw bad(from, `wants version ${needs} of what plug-ins are made against, and this server has ${SURFACE}`)
  try {
    for (const one of ofAll(NAMES, plugin).flat())
      if (pluginOf(one) !== name) throw new Error(`${one} is not called "${name}/<name>"`)
    ofAll(ADD, plugin, name)
    lookForHoles(plugin)
  } catch (error) {
    throw bad(from, messageOf(error))
  }
  registered.set(name, plugin)
}

function bad(from: string, what: string): UserError {
  return new UserError('bad_plugin', `The plug-in ${from} cannot be used: ${what}.`, {
    hint: 'Mend it, install a version that fits, or take it out of MUSTER_PLUGINS.',
  })
}

const own = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name)
/** The names of what is brought, which begin with the plug-in's; a tool's is looked at when it is added. */
const NAMES: OfBrought<[], readonly string[]> = {
  roles: (all) => [...own(all), ...all.flatMap(({ handlers }) => Object.keys(handlers))],
  tools: () => [],
  workflows: own,
  extensions: () => [],
  commands: own,
  providers: own,
  targets: own,
  channels: (all) => all.map(({ traits }) => traits.name),
  sections: (all) => Object.keys(all),
}

/** How each is added to its registry. */
const ADD: OfBrought<[plugin: string], void> = {
  roles(all) {
    for (const { name, title, handlers } of all) {
      ROLES.add(name, { title })
      for (const [kind, handler] of Object.entries(handlers)) HANDLERS.add(kind, handler)
    }
  },
  // Vendors take no slash: a model calls `acme_look` what is registered as `acme/look`.
  tools: (all, plugin) => all.forEach((tool) => TOOLS.add(toolId(plugin, tool.name), tool)),
  commands: (all) => all.forEach(addCommand),
  workflows: (all) => all.forEach(addWorkflow),
  extensions: (all, plugin) => all.forEach((extension) => extendWorkflow(plugin, extension)),
  providers: (all) => all.forEach((provider) => PROVIDERS.add(provider.name, provider)),
  targets: (all) => all.forEach((target) => TARGETS.add(target.name, target)),
  channels(all) {
    for (const { traits, module } of all) {
      addChannel(traits)
      CHANNELS.add(traits.name, module)
    }
  },
  sections(all) {
    for (const [name, section] of Object.entries(all)) SECTIONS.add(name, section)
  },
}

/** @throws Error where a model would not know whose tool it is */
function toolId(plugin: string, name: string): string {
  const prefix = `${plugin.replaceAll('-', '_')}_`
  if (!name.startsWith(prefix)) throw new Error(`the tool ${name} is not called "${prefix}<name>"`)
  return `${plugin}/${name.slice(prefix.length).replaceAll('_', '-')}`
}

/** What would compile and mean nothing: a step that nobody does, a command that nobody knows. */
function lookForHoles({ workflows = [], extensions = [] }: Plugin): void {
  for (const { kind } of [...workflows, ...extensions].flatMap(({ steps }) => steps))
    if (!HANDLERS.get(kind)) throw new Error(`nobody does the step ${kind}`)
  for (const { name, opensBy } of workflows)
    for (const verb of opensBy)
      if (!isVerb(verb) && !ADDED.get(verb)) throw new Error(`the workflow ${name}: there is no command ${verb}`)
}
