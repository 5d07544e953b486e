import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { leastOf, type ToolName, type Wish } from '../core/toolchains.ts'
import { run } from './spawn.ts'

/** Versions of languages by mise, where the operator names it: it downloads from whoever makes them, and may build them. */

/** Some take long to build. */
const PATIENCE_MS = 30 * 60_000
/** What mise calls them; undefined what it brings in another form than a folder with programs. */
const CALLED: Readonly<Record<ToolName, string | undefined>> = {
  node: 'node',
  npm: undefined,
  pnpm: 'pnpm',
  yarn: undefined,
  bun: 'bun',
  python: 'python',
  go: 'go',
  rust: undefined,
  java: 'java',
  ruby: 'ruby',
  php: 'php',
  dotnet: undefined,
}
/** What it is told of the environment: no secret but its own, for it may run what others wrote to build a version. */
const PASSED = ['PATH', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'MISE_GITHUB_TOKEN']

/** Where mise puts what it installs for Muster, as `<tool>/<version>`. */
export function miseFolder(dataDir: string): string {
  return join(dataDir, 'mise', 'installs')
}

/** What mise is asked for: the version, or the newest of its kind; undefined where it has none. */
export function miseName({ tool, range }: Pick<Wish, 'tool' | 'range'>): string | undefined {
  const name = CALLED[tool]
  const least = leastOf(range)
  return name === undefined || least === undefined ? undefined : `${name}@${least}`
}

/**
 * Has mise install a version, in a folder of Muster's, by no configuration but its own: none of a repository's files, no hooks.
 * @param program mise, by its name or where it is
 * @returns whether it says that it did
 */
export async function installByMise(
  program: string,
  wish: Pick<Wish, 'tool' | 'range'>,
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const name = miseName(wish)
  if (name === undefined) return false
  const home = join(dataDir, 'mise', 'home')
  await mkdir(home, { recursive: true })
  const own = Object.fromEntries(PASSED.flatMap((one) => (env[one] === undefined ? [] : [[one, env[one]]])))
  const set = { HOME: home, MISE_DATA_DIR: join(dataDir, 'mise'), MISE_YES: '1', MISE_CEILING_PATHS: home }
  const { exitCode } = await run(program, ['install', name], {
    env: { ...own, ...set },
    cwd: home,
    timeoutMs: PATIENCE_MS,
  })
  return exitCode === 0
}
