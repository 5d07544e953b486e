import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type Env, packagesFolder } from '../core/environment.ts'
import { messageOf } from '../core/errors.ts'
import { ModelError } from './types.ts'

/** A package that is installed on demand. @throws ModelError `key` with the command that installs it */
export function onDemand(env: Env, name: string, version: string): Readonly<Record<string, unknown>> {
  const folder = resolve(packagesFolder(env))
  const require = createRequire(join(folder, 'index.js'))
  try {
    require.resolve(name)
  } catch (error) {
    throw new ModelError('key', `${name} is not installed`, {
      cause: error,
      hint: `The operator should install it: \`${installing(env, name, version)}\`, then \`retry\`.`,
    })
  }
  try {
    const found: unknown = require(name)
    return isModule(found) ? found : {}
  } catch (error) {
    throw new ModelError('key', `${name} cannot be loaded: ${messageOf(error)}`, { cause: error })
  }
}

/** Some are functions that have the rest on them. */
function isModule(found: unknown): found is Readonly<Record<string, unknown>> {
  return (typeof found === 'object' && found !== null) || typeof found === 'function'
}

/** The command that installs it. */
export function installing(env: Env, name: string, version: string): string {
  return `npm install --prefix ${resolve(packagesFolder(env))} ${name}@${version}`
}
