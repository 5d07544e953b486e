import { randomUUID } from 'node:crypto'
import { mkdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { minVersion, satisfies } from 'semver'
import type { ToolName, Wish } from '../core/toolchains.ts'
import { findProgram } from './programs.ts'
import { removeTree, run } from './spawn.ts'

const PATIENCE_MS = 10 * 60_000
const MACHINE = `linux-${process.arch}`

/** Where npm's registry has a tool: the package, and its folder of programs where npm links none. */
function packageOf(tool: ToolName, range: string): { readonly name: string; readonly bin?: string } | undefined {
  switch (tool) {
    case 'node':
      return { name: `node-${MACHINE}` }
    case 'npm':
    case 'pnpm':
      return { name: tool }
    case 'yarn':
      // Yarn 2 and later is another package.
      return { name: satisfies(minVersion(range) ?? '1.0.0', '<2') ? 'yarn' : '@yarnpkg/cli-dist' }
    case 'bun':
      return { name: `@oven/bun-${MACHINE}`, bin: `node_modules/@oven/bun-${MACHINE}/bin` }
    case 'python':
    case 'go':
    case 'rust':
    case 'java':
    case 'ruby':
    case 'php':
    case 'dotnet':
      return undefined
  }
}

export function isFetchable({ tool, range }: Pick<Wish, 'tool' | 'range'>): boolean {
  return packageOf(tool, range) !== undefined
}

/**
 * Brings a version of a tool from npm's registry into a folder of the form `<tool>/<version>`: with the operator's npm and its
 * settings, and without running a script of any package.
 * @returns whether one is there now
 */
export async function fetchTool(
  { tool, range }: Pick<Wish, 'tool' | 'range'>,
  into: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const [found, npm] = [packageOf(tool, range), findProgram('npm')]
  if (!found || !npm) return false
  const dir = join(into, tool, `unfinished-${randomUUID()}`)
  await mkdir(dir, { recursive: true })
  try {
    const set = Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    )
    const options = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--no-package-lock',
      '--no-update-notifier',
    ]
    const args = ['install', '--silent', ...options, '--prefix', dir, '--', `${found.name}@${range}`]
    const { exitCode } = await run(npm, args, { env: set, cwd: dir, timeoutMs: PATIENCE_MS })
    if (exitCode !== 0) return false
    if (found.bin !== undefined) await symlink(found.bin, join(dir, 'bin'))
    await rename(dir, join(into, tool, randomUUID()))
    return true
  } finally {
    await removeTree(dir)
  }
}
