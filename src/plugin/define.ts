import type { ChannelModule } from '../channels/module.ts'
import type { AnyTraits } from '../core/channels/registry.ts'
import type { AddedCommand } from '../core/commands/added.ts'
import type { PluginId } from '../core/registry.ts'
import type { WorkflowDefinition } from '../core/workflows/define.ts'
import type { Extension } from '../core/workflows/extend.ts'
import type { ProviderModule } from '../llm/module.ts'
import type { TargetModule } from '../releases/module.ts'
import type { PromptSection } from '../roles/sections.ts'
import type { StepHandler } from '../roles/types.ts'
import type { Tool } from '../tools/types.ts'

/**
 * A plug-in: what it adds, by the same definitions and registries as Muster's own. Every name of it is `<plug-in>/<name>`. It runs
 * in Muster's processes, with their rights.
 */
export interface Plugin {
  /** Small letters, digits and hyphens. */
  readonly name: string
  /** For which versions of this surface it is made, as a semantic range: `^1.0.0`. */
  readonly needs: string
  readonly roles?: readonly PluginRole[] | undefined
  readonly tools?: readonly Tool[] | undefined
  readonly workflows?: readonly WorkflowDefinition[] | undefined
  /** Steps in Muster's own workflows. */
  readonly extensions?: readonly Extension[] | undefined
  readonly commands?: readonly AddedCommand[] | undefined
  readonly providers?: readonly ProviderModule[] | undefined
  readonly targets?: readonly TargetModule[] | undefined
  readonly channels?: readonly PluginChannel[] | undefined
  /** What models are told beside their charter, by its name. */
  readonly sections?: Readonly<Record<PluginId, PromptSection>> | undefined
}

/** What a plug-in may bring. */
export type Brought = Exclude<keyof Plugin, 'name' | 'needs'>

/** Something for each of what a plug-in may bring: what is added to that does not compile until it stands here too. */
export type OfBrought<Args extends readonly unknown[], Result> = {
  readonly [What in Brought]: (all: NonNullable<Plugin[What]>, ...args: Args) => Result
}

/** What a table says of everything that a plug-in brings, in the table's order. */
export function ofAll<Args extends readonly unknown[], Result>(
  table: OfBrought<Args, Result>,
  plugin: Plugin,
  ...args: Args
): Result[] {
  const of = <What extends Brought>(what: What): Result[] => {
    const all: Plugin[What] | undefined = plugin[what]
    const told: (all: NonNullable<Plugin[What]>, ...args: Args) => Result = table[what]
    return all ? [told(all, ...args)] : []
  }
  return Object.keys(table)
    .filter((key): key is Brought => Object.hasOwn(table, key))
    .flatMap((what) => of(what))
}

/** A role, with what it does. */
export interface PluginRole {
  readonly name: PluginId
  /** As people read it. */
  readonly title: string
  /** By the kinds of step. */
  readonly handlers: Readonly<Record<PluginId, StepHandler>>
}

/** A channel: what the house asks about it, and the module that talks to its service. */
export interface PluginChannel {
  readonly traits: AnyTraits
  readonly module: ChannelModule
}

/** Names a plug-in for the compiler. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin
}
