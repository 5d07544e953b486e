/** A name of a plug-in's: the plug-in's, and its own. */
export type PluginId = `${string}/${string}`

/** The words that a plug-in and what it brings may be called by. */
const WORD = /^[a-z][a-z0-9-]{0,39}$/

/** Whether a name is a plug-in's, as `<plug-in>/<name>`. */
export function isPluginId(name: string): name is PluginId {
  const [plugin, own, ...rest] = name.split('/')
  return WORD.test(plugin ?? '') && WORD.test(own ?? '') && rest.length === 0
}

/** Whether somebody may call a plug-in so. */
export function isPluginName(name: string): boolean {
  return WORD.test(name)
}

/** The plug-in that a name belongs to; undefined: it is Muster's own. */
export function pluginOf(name: string): string | undefined {
  return isPluginId(name) ? name.split('/', 1)[0] : undefined
}

/** What there is of one kind, by name: Muster's own, closed, and what plug-ins add while the process starts. */
export interface Registry<Name extends string, T> {
  /** Every name, Muster's own first. */
  names(): readonly (Name | PluginId)[]
  all(): readonly T[]
  /** By a name from outside (a setting, a stored row), which may be any. */
  get(name: string): T | undefined
  /** The name, where there is such. */
  named(name: string): Name | PluginId | undefined
  /** @throws Error where there is none: to go on with another would be wrong */
  of(name: Name | PluginId): T
  /** @throws Error where the name is no plug-in's, or is taken */
  add(name: string, one: T): void
}

/** @param what what it holds, in a sentence: "the role" */
export function registry<Name extends string, T>(what: string, own: Readonly<Record<Name, T>>): Registry<Name, T> {
  const all = new Map<string, T>(Object.entries<T>(own))
  const names = Object.keys(own).filter((name): name is Name => Object.hasOwn(own, name))
  const added: PluginId[] = []
  return {
    names: () => [...names, ...added],
    all: () => [...all.values()],
    get: (name) => all.get(name),
    named: (name) => [...names, ...added].find((one) => one === name),
    of(name) {
      const found = all.get(name)
      if (found === undefined) throw new Error(`${what} ${name} is not known here: ${whyNot(name)}`)
      return found
    },
    add(name, one) {
      if (!isPluginId(name)) throw new Error(`${what} ${name}: what a plug-in brings is called "<plug-in>/<name>"`)
      if (all.has(name)) throw new Error(`${what} ${name} is there twice`)
      all.set(name, one)
      added.push(name)
    },
  }
}

function whyNot(name: string): string {
  const plugin = pluginOf(name)
  return plugin === undefined ? 'it is of another version' : `the plug-in ${plugin} is not loaded`
}
