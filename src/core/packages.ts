import type { Ecosystem, RootFiles } from './ecosystems.ts'

/** Repositories of several packages that have nothing at their root which would run the tests of all. Pure. */

/** A folder with a package of its own. */
export interface PackageFiles {
  readonly folder: string
  readonly root: RootFiles
}

/** A package, and what it is built with. */
export interface Package {
  readonly folder: string
  readonly ecosystem: Ecosystem
}

/** With more than these nobody would wait for all of them. */
export const MOST_PACKAGES = 12
const DEEPEST = 3
const MANIFESTS = new Set([
  'package.json',
  'pyproject.toml',
  'setup.py',
  'go.mod',
  'Cargo.toml',
  'pom.xml',
  'build.gradle',
  'build.gradle.kts',
  'Gemfile',
  'composer.json',
])
/** Where packages are that are no part of it. */
const FOREIGN = /(^|\/)(node_modules|vendor|third_party|examples?|fixtures?|testdata|templates?|tests?|\.[^/]+)(\/|$)/

/** Folders below the root that have a package of their own, the outermost of each. */
export function packageFolders(paths: readonly string[]): string[] {
  const found = paths.flatMap((path) => {
    const parts = path.split('/')
    const folder = parts.slice(0, -1).join('/')
    const isOne = MANIFESTS.has(parts.at(-1) ?? '') && parts.length > 1 && parts.length <= DEEPEST + 1
    return isOne && !FOREIGN.test(folder) ? [folder] : []
  })
  const all = [...new Set(found)].toSorted()
  return all.filter((folder) => !all.some((other) => folder.startsWith(`${other}/`)))
}

/** All of them as one: each runs its own tests in its own folder, and what fails in one keeps no other from being run. */
export function together(packages: readonly Package[]): Ecosystem | undefined {
  if (packages.length === 0) return undefined
  const names = [...new Set(packages.map(({ ecosystem }) => ecosystem.name))]
  const setups = packages.flatMap(({ folder, ecosystem: { setup } }) => (setup ? [inFolder(folder, setup)] : []))
  const builds = packages.flatMap(({ ecosystem }) => ecosystem.builds ?? [])
  const isBuilt = packages.some(({ ecosystem }) => ecosystem.builds !== undefined)
  return {
    name: `${packages.length} ${packages.length === 1 ? 'package' : 'packages'} (${names.join(', ')})`,
    programs: [...new Set(packages.flatMap(({ ecosystem }) => ecosystem.programs))],
    test: `failed=0; ${packages.map(({ folder, ecosystem }) => runIn(folder, ecosystem.test)).join('; ')}; exit $failed`,
    testFiles: byFile(packages),
    setup: setups.length > 0 ? setups.join(' && ') : undefined,
    ...(isBuilt ? { builds: [...new Set(builds)] } : {}),
  }
}

/** Each file by its own package; of one that cannot run single files, all of its tests. */
function byFile(packages: readonly Package[]): string {
  const cases = packages.map(({ folder, ecosystem: { test, testFiles = test } }) => {
    const one = testFiles.replaceAll('{files}', () => `"\${file#${folder}/}"`)
    return `${folder === '.' ? '*' : `${quoted(folder)}/*`}) ${runIn(folder, one)} ;;`
  })
  return `failed=0; for file in {files}; do case "$file" in ${cases.join(' ')} esac; done; exit $failed`
}

/** A command in a folder of its own: one of several lines too, and one that ends in a remark. */
export function inFolder(folder: string, command: string): string {
  const own = command.trim()
  return /[\n#]/.test(own) ? `(cd ${quoted(folder)} && {\n${own}\n})` : `(cd ${quoted(folder)} && ${own})`
}

function runIn(folder: string, command: string): string {
  return `${inFolder(folder, command)} || failed=1`
}

/** Folders with other signs are left out before. */
function quoted(folder: string): string {
  return `'${folder}'`
}

/** Whether a folder's name can stand in a command as it is. */
export function isPlain(folder: string): boolean {
  return /^[\w@./+-]+$/.test(folder)
}
