import { pathToFileURL } from 'node:url'
import { messageOf, UserError } from '../core/errors.ts'
import type { Env } from '../core/environment.ts'
import { type Benches, contractsOf } from '../plugin/contracts/all.ts'
import { resolve } from 'node:path'
import { packagesFolder } from '../core/environment.ts'
import { importPlugin, loadPlugins, namedPlugins } from '../plugin/load.ts'
import { plugins, SURFACE } from '../plugin/register.ts'
import { ofAll, type OfBrought, type Plugin } from '../plugin/define.ts'
import type { Print } from './types.ts'

/** Lists the plug-ins that the settings name, and what each brings. @throws UserError for the first that cannot be used */
export async function listPlugins(env: Env, print: Print): Promise<void> {
  await loadPlugins(env)
  print(
    `What plug-ins are made against: version ${SURFACE}. Packages are looked for in ${resolve(packagesFolder(env))}.`,
  )
  if (plugins().length === 0) print('No plug-in is named in MUSTER_PLUGINS.')
  for (const plugin of plugins()) print(`${plugin.name.padEnd(16)} ${broughtBy(plugin).join(' · ')}`)
}

const named = (what: string, names: readonly string[]) => (names.length > 0 ? [`${what}: ${names.join(', ')}`] : [])
const WORDS: OfBrought<[], readonly string[]> = {
  roles: (all) =>
    named(
      'roles',
      all.map(({ title }) => title),
    ),
  tools: (all) => named('tools', own(all)),
  workflows: (all) => named('workflows', own(all)),
  extensions: (all) =>
    named(
      'steps in',
      all.map(({ workflow }) => workflow),
    ),
  commands: (all) =>
    named(
      'commands',
      all.map(({ word }) => word),
    ),
  providers: (all) => named('providers', own(all)),
  targets: (all) => named('targets', own(all)),
  channels: (all) =>
    named(
      'channels',
      all.map(({ traits }) => traits.title),
    ),
  sections: (all) => named('tells models', Object.keys(all)),
}

function own(all: readonly { readonly name: string }[]): string[] {
  return all.map(({ name }) => name)
}

/** What a plug-in brings, in words. */
export function broughtBy(plugin: Plugin): string[] {
  return ofAll(WORDS, plugin).flat()
}

/**
 * Puts a plug-in to the test: what it brings against what such things owe.
 * @param bench the file with what it is put to the test with, by the names of what it brings
 * @returns whether everything is as it should be
 */
export async function checkPlugin(env: Env, name: string, bench: string | undefined, print: Print): Promise<boolean> {
  const before = namedPlugins(env)
  await loadPlugins({ ...env, MUSTER_PLUGINS: [...new Set([...before, name])].join(',') })
  const { default: own } = await importPlugin(env, name)
  const plugin = plugins().find((one) => one === own)
  if (!plugin) throw new UserError('no_plugin', `${name} is no plug-in.`)
  const benches: Benches = bench ? await benchesIn(env, bench) : {}
  let fine = true
  for (const { about, checks } of contractsOf(plugin, benches)) {
    print(about)
    if (typeof checks === 'string') print(`  ! ${checks}`)
    else
      for (const { name: what, run } of checks) {
        const error = await run().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        print(`  ${error === undefined ? '✓' : '✗'} ${what}`)
        if (error !== undefined) print(`      ${messageOf(error)}`)
        fine &&= error === undefined
      }
    fine &&= typeof checks !== 'string'
  }
  print(fine ? `\n${plugin.name} is finished.` : `\n${plugin.name} is not finished: see the lines marked ✗ or !.`)
  return fine
}

async function benchesIn(env: Env, file: string): Promise<Benches> {
  const { default: benches } = await importPlugin(
    env,
    file.startsWith('.') || file.startsWith('/') ? file : `./${file}`,
  )
  if (typeof benches === 'object' && benches !== null) return benches
  throw new UserError('no_bench', `${pathToFileURL(file).pathname} has no default export with benches.`)
}
