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
const INSTALL = new RegExp(
  `^(?:${[
    'npm (?:ci|i|install)',
    'pnpm (?:i|install)',
    'yarn(?: install)?',
    'bun (?:i|install)',
    'go mod (?:download|vendor)',
    'cargo (?:fetch|vendor)',
    'bundle install',
    'composer install',
    'dotnet restore',
    '(?:python3? -m )?pip3? install(?: --user| --break-system-packages)* -r requirements\\.txt',
  ].join('|')})(?: --?[\\w-]+(?:=[\\w./-]+)?)*$`,
)

/** Files in which packages are named, by their last part: nothing else tells an installer what to bring. */
const MANIFEST =
  /(?:^|\/)(?:package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|bun\.lockb?|\.npmrc|\.yarnrc(?:\.yml)?|bunfig\.toml|\.pnpmfile\.cjs|go\.(?:mod|sum|work|work\.sum)|Cargo\.(?:toml|lock)|rust-toolchain(?:\.toml)?|Gemfile(?:\.lock)?|[^/]+\.gemspec|\.ruby-version|composer\.(?:json|lock)|packages\.lock\.json|global\.json|nuget\.config|[^/]+\.(?:cs|fs|vb)proj|Directory\.[\w.]+\.props|requirements[^/]*\.txt|constraints[^/]*\.txt|\.cargo\/config(?:\.toml)?)$|(?:^|\/)(?:patches|\.yarn)\//

/** Whether a command does nothing but install what the manifests name. */
export function isInstall(command: string): boolean {
  return command.split('&&').every((part) => INSTALL.test(part.trim().replace(/\s+/g, ' ')))
}

/**
 * What a set-up comes to is the same wherever this is the same: of an installation, if its command, its settings and the files that
 * name packages are; of anything else (a build, a generator), if every file is.
 */
export function setupKey({ command, network, scripts, files, by }: SetupInput): string {
  const reads = isInstall(command) && network && !scripts ? files.filter(({ path }) => MANIFEST.test(path)) : files
  return hashOf({ command, network, scripts, by, files: reads.map(({ path, object }) => `${object} ${path}`).sort() })
}
