import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Env } from '../../core/environment.ts'
import { messageOf, UserError } from '../../core/errors.ts'
import { hashOf } from '../../core/hash.ts'
import { run } from '../../workspace/spawn.ts'

/** Programs of Cloudflare's that hardly anybody needs, and that are large: fetched from npm when the first deploy wants them, as they are pinned here. */
export const PROGRAMS = {
  miniflare: { variable: 'MUSTER_MINIFLARE', megabytes: 174 },
  wrangler: { variable: 'MUSTER_WRANGLER', megabytes: 228 },
} as const
export type ProgramName = keyof typeof PROGRAMS

const INSTALL_MS = 15 * 60_000
const installing = new Map<string, Promise<string>>()

interface Deps {
  readonly env: Env
  /** The data folder. */
  readonly dir: string
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** The folder of the package. The operator may name one that is there already. @throws UserError where it cannot be had */
export async function installed(deps: Deps, name: ProgramName, signal?: AbortSignal): Promise<string> {
  const own = deps.env[PROGRAMS[name].variable]
  if (own && existsSync(join(own, 'package.json'))) return resolve(own)
  if (own) throw new UserError('not_installed', `${PROGRAMS[name].variable} names no folder of \`${name}\`.`)
  const to = folderOf(deps.dir, name)
  const there = packageIn(to, name)
  if (existsSync(there)) return there
  // Several deploys at once wait for the same.
  const known = installing.get(to)
  const fetching = known ?? install(deps, name, to).finally(() => installing.delete(to))
  installing.set(to, fetching)
  await fetching
  signal?.throwIfAborted()
  return there
}

/** Whether it has to be fetched first. */
export function isInstalled({ env, dir }: Pick<Deps, 'env' | 'dir'>, name: ProgramName): boolean {
  return Boolean(env[PROGRAMS[name].variable]) || existsSync(packageIn(folderOf(dir, name), name))
}

function packageIn(folder: string, name: ProgramName): string {
  return join(folder, 'node_modules', name)
}

const pinned = (name: ProgramName) => fileURLToPath(new URL(`programs/${name}`, import.meta.url))

/** Another version is another folder. */
function folderOf(dir: string, name: ProgramName): string {
  const lock = readFileSync(join(pinned(name), 'package-lock.json'), 'utf8')
  return join(resolve(dir), 'programs', `${name}-${hashOf(lock).slice(0, 12)}`)
}

/** Whole or not at all. None of its packages runs a script of its own. */
async function install({ log }: Deps, name: ProgramName, to: string): Promise<string> {
  const next = `${to}.${randomUUID()}`
  await mkdir(next, { recursive: true })
  try {
    await cp(pinned(name), next, { recursive: true })
    log('fetching a program from npm', { program: name, megabytes: PROGRAMS[name].megabytes })
    const argv = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev']
    const how = { cwd: next, env: npmEnv(), timeoutMs: INSTALL_MS }
    const { exitCode, output } = await run('npm', argv, how).catch((error: unknown) => {
      throw notFetched(name, `npm error ${messageOf(error)}`)
    })
    if (exitCode !== 0) throw notFetched(name, output)
    // Somebody else may have been faster.
    await rename(next, to).catch((error: unknown) => {
      if (!existsSync(packageIn(to, name))) throw error
    })
    return to
  } finally {
    await rm(next, { recursive: true, force: true })
  }
}

function notFetched(name: ProgramName, output: string): UserError {
  const why = output.split('\n').find((line) => /npm (error|ERR!)/.test(line)) ?? 'npm did not end'
  return new UserError('not_installed', `\`${name}\`, which deploys there need, cannot be fetched from npm.`, {
    hint: `The operator fetches it, and names its folder by ${PROGRAMS[name].variable}. npm says: ${why.slice(0, 200)}`,
  })
}

/** What npm is set to on this machine, and nothing of Muster's. */
function npmEnv(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) =>
    /^(PATH|HOME|LANG|npm_config_.*|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(key),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, value ?? '']))
}
