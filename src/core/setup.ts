import { hashOf } from './hash.ts'

/** What a set-up depends on. */
export interface SetupInput {
  readonly command: string
  readonly network: boolean
  /** Whether packages may run scripts of their own when they are installed. */
  readonly scripts: boolean
  /** Every file of the commit that is set up, with the name of its content. */
  readonly files: readonly { readonly path: string; readonly object: string }[]
  /** What it is run by besides: an image, versions of languages. */
  readonly by: readonly string[]
}

/** Commands that install what files name, and read nothing else of a repository while no package runs a script of its own. */
const INSTALLS = [
  'npm ci',
  'npm i',
  'npm install',
  'pnpm i',
  'pnpm install',
  'yarn',
  'yarn install',
  'bun i',
  'bun install',
  'go mod download',
  'go mod vendor',
  'cargo fetch',
  'cargo vendor',
  'bundle install',
  'composer install',
  'dotnet restore',
  'pip install -r requirements.txt',
  'pip3 install -r requirements.txt',
  'python3 -m pip install -r requirements.txt',
]
const OPTION = /^--[\w-]+(?:=[\w./-]+)?$/

/** Files in which packages are named, by their last part: nothing else tells an installer what to bring. */
const MANIFEST =
  /(?:^|\/)(?:package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|bun\.lockb?|\.npmrc|\.yarnrc(?:\.yml)?|bunfig\.toml|\.pnpmfile\.cjs|go\.(?:mod|sum|work|work\.sum)|Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|Gemfile(?:\.lock)?|[^/]+\.gemspec|\.ruby-version|composer\.(?:json|lock)|packages\.lock\.json|global\.json|nuget\.config|[^/]+\.(?:cs|fs|vb)proj|Directory\.[\w.]+\.props|pom\.xml|build\.gradle(?:\.kts)?|settings\.gradle(?:\.kts)?|gradle\.properties|gradle\.lockfile|requirements[^/]*\.txt|constraints[^/]*\.txt|\.cargo\/config(?:\.toml)?)$|(?:^|\/)(?:patches|\.yarn)\//

/** Whether a command does nothing but install what the manifests name. */
export function isInstall(command: string): boolean {
  return command.split('&&').every((part) => {
    const words = part.trim().split(/\s+/)
    return INSTALLS.includes(words.filter((word) => !OPTION.test(word)).join(' '))
  })
}

/**
 * What a set-up comes to is the same wherever this is the same: of an installation, if its command, its settings and the files that
 * name packages are; of anything else (a build, a generator), if every file is.
 */
export function setupKey({ command, network, scripts, files, by }: SetupInput): string {
  const reads = isInstall(command) && network && !scripts ? files.filter(({ path }) => MANIFEST.test(path)) : files
  return hashOf({ command, network, scripts, by, files: reads.map(({ path, object }) => `${object} ${path}`).sort() })
}

/** Whether all that a set-up leaves is in the home and in folders that are built into, so that nothing else need be kept. */
export function leavesOnlyBuilds(command: string, suggested: string | undefined): boolean {
  return command === suggested || (isInstall(command) && !/\bvendor\b/.test(command))
}

/** What is built can be used wherever this is the same: compilers find out themselves which of it still holds for the files there are. */
export function builtKey({ files, ...rest }: SetupInput): string {
  const named = files.filter(({ path }) => MANIFEST.test(path)).map(({ path, object }) => `${object} ${path}`)
  return hashOf({ built: true, ...rest, files: named.sort() })
}
