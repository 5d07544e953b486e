import { readdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { once } from '../core/once.ts'
import { type Available, TOOL_NAMES, type ToolName, versionIn } from '../core/toolchains.ts'
import { isExecutable, programsIn } from './programs.ts'
import { run } from './spawn.ts'
import type { Toolchain } from './types.ts'

/** What says of a tool which version it is. */
interface Kind {
  readonly program: string
  readonly says: readonly string[]
}

const KINDS: Readonly<Record<ToolName, Kind>> = {
  node: { program: 'node', says: ['--version'] },
  npm: { program: 'npm', says: ['--version'] },
  pnpm: { program: 'pnpm', says: ['--version'] },
  yarn: { program: 'yarn', says: ['--version'] },
  bun: { program: 'bun', says: ['--version'] },
  python: { program: 'python3', says: ['--version'] },
  go: { program: 'go', says: ['version'] },
  rust: { program: 'cargo', says: ['--version'] },
  java: { program: 'java', says: ['-version'] },
  ruby: { program: 'ruby', says: ['--version'] },
  php: { program: 'php', says: ['--version'] },
  dotnet: { program: 'dotnet', says: ['--version'] },
}

/** Where version managers and vendors put them; `~` is this account's home, `*` a folder for each version. */
const PLACES: readonly (readonly [tool: ToolName, place: string])[] = [
  ['node', '~/.nvm/versions/node/*'],
  ['node', '~/.local/share/fnm/node-versions/*/installation'],
  ['node', '~/.volta/tools/image/node/*'],
  ['node', '~/.asdf/installs/nodejs/*'],
  ['node', '~/.local/share/mise/installs/node/*'],
  ['python', '~/.pyenv/versions/*'],
  ['python', '~/.local/share/uv/python/*'],
  ['python', '~/.asdf/installs/python/*'],
  ['python', '~/.local/share/mise/installs/python/*'],
  ['go', '/usr/local/go'],
  ['go', '/usr/lib/go-*'],
  ['go', '~/sdk/*'],
  ['go', '~/.goenv/versions/*'],
  ['go', '~/.asdf/installs/golang/*/go'],
  ['go', '~/.local/share/mise/installs/go/*'],
  ['rust', '~/.rustup/toolchains/*'],
  ['java', '/usr/lib/jvm/*'],
  ['java', '~/.sdkman/candidates/java/*'],
  ['java', '~/.asdf/installs/java/*'],
  ['java', '~/.local/share/mise/installs/java/*'],
  ['ruby', '~/.rbenv/versions/*'],
  ['ruby', '~/.asdf/installs/ruby/*'],
  ['ruby', '~/.local/share/mise/installs/ruby/*'],
  ['dotnet', '~/.dotnet'],
]

/** What every command sees of the machine as it is. */
const SEEN = '/usr/'
const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin']

/**
 * The toolchains of this machine: those that every command finds, those of version managers, those that were fetched before, and
 * those that the operator has put into a folder, as `<tool>/<version>`.
 * @param own folders of that form
 */
export function toolchainsOf(own: readonly string[], home = homedir()): () => Promise<readonly Toolchain[]> {
  const known: Known = new Map()
  const installed = once(async () => [...(await ofSystem()), ...(await ofPlaces(PLACES, home, known))])
  return async () => [...(await installed()), ...(await ofPlaces(ownPlaces(own), home, known))]
}

/** What was asked once by folder: a version stays what it is. */
type Known = Map<string, Promise<Toolchain | undefined>>

function ownPlaces(folders: readonly string[]): (readonly [ToolName, string])[] {
  return folders.flatMap((folder) => TOOL_NAMES.map((tool) => [tool, join(folder, tool, '*')] as const))
}

/** What there is on the path that commands have. */
async function ofSystem(): Promise<Toolchain[]> {
  const found = await Promise.all(
    TOOL_NAMES.map(async (tool): Promise<Toolchain | undefined> => {
      const { program } = KINDS[tool]
      // Muster's own Node.js is on the path of every command.
      const file = tool === 'node' ? process.execPath : programsIn(SYSTEM_PATH, program)[0]
      const version = file === undefined ? undefined : await versionOf(tool, file)
      return version === undefined
        ? await npmOf(tool)
        : { tool, ...version, isThere: true, folders: [], bin: [], env: {} }
    }),
  )
  return found.filter((one) => one !== undefined)
}

/** npm, where it came with a Node.js that commands do not see: it is a package of its own. */
async function npmOf(tool: ToolName): Promise<Toolchain | undefined> {
  const [program] = tool === 'npm' ? programsIn((process.env['PATH'] ?? '').split(':'), 'npm') : []
  // A folder that has more than a Node.js and what goes with it is nobody's to see.
  if (program === undefined || !isExecutable(join(dirname(program), 'node'))) return undefined
  const file = await realpath(program)
  const version = basename(file) === 'npm-cli.js' ? await versionOf('npm', file) : undefined
  // Beside its Node.js there is a link to it, which is to be found too.
  const folders = [dirname(dirname(file)), dirname(program)].map((dir) => ({ from: dir, to: dir }))
  return version && { tool, ...version, isThere: false, folders, bin: [dirname(program)], env: {} }
}

async function ofPlaces(
  places: readonly (readonly [ToolName, string])[],
  home: string,
  known: Known,
): Promise<Toolchain[]> {
  const asked = (tool: ToolName, dir: string) => {
    const found = known.get(`${tool} ${dir}`) ?? inFolder(tool, dir)
    known.set(`${tool} ${dir}`, found)
    return found
  }
  const all = await Promise.all(
    places.map(async ([tool, place]) => {
      const found = await Promise.all((await foldersAt(place.replace('~', home))).map((dir) => asked(tool, dir)))
      return found.filter((one) => one !== undefined)
    }),
  )
  const byFolder = new Map(all.flat().map((one) => [`${one.tool} ${one.bin[0]}`, one]))
  return [...byFolder.values()]
}

async function foldersAt(place: string): Promise<string[]> {
  const [before = '', after] = place.split('*')
  if (after === undefined) return [before]
  const [folder, prefix] = [dirname(`${before}x`), basename(`${before}x`).slice(0, -1)]
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(folder, `${name}${after}`))
}

async function inFolder(tool: ToolName, place: string): Promise<Toolchain | undefined> {
  const dir = await realpath(place).catch(() => undefined)
  if (dir === undefined) return undefined
  const bin = [join(dir, 'bin'), join(dir, 'node_modules', '.bin'), dir].find((folder) =>
    isExecutable(join(folder, KINDS[tool].program)),
  )
  if (bin === undefined) return undefined
  const version = await versionOf(tool, join(bin, KINDS[tool].program))
  const to = INSIDE_OWN.test(dir) ? `/opt/muster/tools/${tool}-${basename(dir)}` : dir
  const folders = dir.startsWith(SEEN) ? [] : [{ from: dir, to }]
  const env: Record<string, string> = tool === 'java' ? { JAVA_HOME: to } : {}
  return version && { tool, ...version, isThere: false, folders, bin: [to + bin.slice(dir.length)], env }
}

// Where it is on the machine is where it is inside, since programs of its own name that place; but for places that are others inside.
const INSIDE_OWN = /^\/(?:tmp|work|home\/muster|proc|dev|run|sys|snapshot)\//

const PATIENCE_MS = 60_000

/** What a program says of itself. It is the operator's own, and is asked nothing else. */
async function versionOf(tool: ToolName, file: string): Promise<Pick<Available, 'version' | 'channel'> | undefined> {
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: '/nonexistent',
    LANG: 'C.UTF-8',
    GOTOOLCHAIN: 'local',
  }
  const { exitCode, output } = await run(file, [...KINDS[tool].says], { env, timeoutMs: PATIENCE_MS, cwd: '/' }).catch(
    () => ({ exitCode: 1, output: '' }),
  )
  const version = exitCode === 0 ? versionIn(output) : undefined
  const [channel] = /\b(?:nightly|beta)\b/.exec(output) ?? []
  return version === undefined ? undefined : { version, channel: tool === 'rust' ? channel : undefined }
}
