import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { once } from '../core/once.ts'
import { messageOf, UserError } from '../core/errors.ts'
import { type Env, packagesFolder } from '../core/environment.ts'
import { BUNDLED } from './bundled.ts'
import { register } from './register.ts'
import type { Plugin } from './define.ts'

/** What a plug-in imports; resolved to this very program, wherever the plug-in is and whatever is installed beside it. */
const SURFACES: Readonly<Record<string, string>> = {
  'muster/plugin': new URL('./index.ts', import.meta.url).href,
  'muster/plugin/contracts': new URL('./contracts/index.ts', import.meta.url).href,
}
/** Marks what is looked for in the plug-ins' own folder. */
const OWN = 'muster-plugin:'

/** The plug-ins that the settings name: packages, or files (`./…`). */
export function namedPlugins(env: Env): string[] {
  return (env['MUSTER_PLUGINS'] ?? '').split(',').flatMap((part) => part.trim() || [])
}

let folder = ''
const hooked = once(async () => {
  registerHooks({
    resolve(specifier, context, next) {
      const surface = Object.hasOwn(SURFACES, specifier) ? SURFACES[specifier] : undefined
      if (surface) return { url: surface, shortCircuit: true }
      if (!specifier.startsWith(OWN)) return next(specifier, context)
      return next(specifier.slice(OWN.length), { ...context, parentURL: `${pathToFileURL(folder).href}/` })
    },
  })
})

/**
 * Loads the plug-ins that the settings name, before anything asks a registry; each once in a process.
 * @throws UserError `no_plugin` for one that is not there, `bad_plugin` for one that cannot be used
 */
export async function loadPlugins(env: Env): Promise<void> {
  for (const { plugin } of BUNDLED) register(plugin, plugin.name)
  const named = namedPlugins(env)
  if (named.length === 0) return
  folder = resolve(packagesFolder(env))
  await hooked()
  for (const name of named) register(await imported(name), name)
}

/** A module below a plug-in, by the same way. @param name a package, or a file (`./…`) */
export async function importPlugin(env: Env, name: string): Promise<Readonly<Record<string, unknown>>> {
  folder = resolve(packagesFolder(env))
  await hooked()
  const isFile = /^(\.{0,2}\/|[A-Za-z]:[\\/])/.test(name)
  if (isFile && !existsSync(name)) throw missing(name, `there is no file ${resolve(name)}`)
  try {
    return z
      .record(z.string(), z.unknown())
      .parse({ ...(await load(isFile ? pathToFileURL(resolve(name)).href : OWN + name)) })
  } catch (error) {
    if (!isFile && isNotFound(error, name)) throw missing(name, `it is not installed in ${folder}`)
    throw new UserError('bad_plugin', `The plug-in ${name} cannot be loaded: ${whyNot(error)}`, { cause: error })
  }

  async function load(specifier: string): Promise<object> {
    const found: unknown = await import(specifier)
    return typeof found === 'object' && found !== null ? found : {}
  }
}

async function imported(name: string): Promise<Plugin> {
  const { default: plugin } = await importPlugin({ MUSTER_PLUGINS_DIR: folder }, name)
  if (isPlugin(plugin)) return plugin
  throw new UserError('bad_plugin', `The plug-in ${name} has no default export that is a plug-in.`, {
    hint: 'It ends with `export default definePlugin({ … })`, see docs/extend.md.',
  })
}

/** Looked at more closely when it is registered. */
function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && 'name' in value && 'needs' in value
}

/** Node reads TypeScript everywhere but below `node_modules`. */
function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING'
    ? 'it is written in TypeScript, which Node does not read in packages: it has to be published as JavaScript.'
    : messageOf(error)
}

function isNotFound(error: unknown, name: string): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ERR_MODULE_NOT_FOUND' && messageOf(error).includes(`'${name}'`)
}

function missing(name: string, why: string): UserError {
  return new UserError('no_plugin', `The plug-in ${name} is named in MUSTER_PLUGINS, but ${why}.`, {
    hint: `Install it (\`npm install --prefix ${folder} ${name}\`), or take it out of MUSTER_PLUGINS.`,
  })
}
