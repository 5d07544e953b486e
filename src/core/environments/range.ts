/** What of a range of commits whoever approves a deploy wants to know of before: pure, told from the names of files. */
export interface InRange {
  readonly dependencies: readonly string[]
  readonly configuration: readonly string[]
  readonly migrations: readonly string[]
}

const DEPENDENCIES =
  /(^|\/)(package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|Cargo\.(toml|lock)|go\.(mod|sum)|pyproject\.toml|poetry\.lock|uv\.lock|requirements[\w.-]{0,40}\.txt|Gemfile(\.lock)?|composer\.(json|lock)|pom\.xml|build\.gradle(\.kts)?|[\w.-]{1,100}\.csproj)$/
const CONFIGURATION =
  /(^|\/)(\.env[\w.-]{0,40}|Dockerfile[\w.-]{0,40}|docker-compose[\w.-]{0,40}\.ya?ml|compose\.ya?ml|Procfile|app\.ya?ml|[\w.-]{0,100}\.(tf|tfvars|conf|ini|properties))$|(^|\/)(config|deploy|k8s|helm|charts|infra|terraform)\//

/** @param isMigration whether a file is one */
export function inRange(files: readonly string[], isMigration: (path: string) => boolean): InRange {
  return {
    dependencies: files.filter((path) => DEPENDENCIES.test(path)),
    configuration: files.filter((path) => CONFIGURATION.test(path) && !DEPENDENCIES.test(path)),
    migrations: files.filter(isMigration),
  }
}
