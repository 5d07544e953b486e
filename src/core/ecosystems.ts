import { isRecord } from './json.ts'
import { type Package, type PackageFiles, together } from './packages.ts'

/** What a repository is built with, told from the files at its root. */

/** What is known of a repository's root. */
export interface RootFiles {
  readonly names: readonly string[]
  readonly packageJson: string | undefined
  readonly makefile: string | undefined
  /** Packages in folders of their own, where the root itself has nothing that runs tests. */
  readonly packages?: readonly PackageFiles[] | undefined
}

/** How the tests of one kind of repository are run, and what it takes before. */
export interface Ecosystem {
  readonly name: string
  /** What its commands are run by. */
  readonly programs: readonly string[]
  readonly test: string
  /** Runs some test files; `{files}` stands for them. */
  readonly testFiles: string | undefined
  /** Brings what the tests need, by way of the network; undefined where they need nothing. */
  readonly setup: string | undefined
  /** Brings files that its tools write by themselves into the form in which they do: what comes of it is nobody's change. */
  readonly settles?: string | undefined
  /** Folders that it builds into, wherever they are; undefined where nothing worth keeping is built. */
  readonly builds?: readonly string[] | undefined
}

type Finder = (root: RootFiles, has: (name: string) => boolean) => Ecosystem | undefined

/** Every kind, the one that counts first where there are several: what the repository itself calls its tests. */
const KINDS: readonly Finder[] = [
  fromNode,
  fromPython,
  fromGo,
  fromCargo,
  fromMaven,
  fromGradle,
  fromRuby,
  fromComposer,
  fromDotnet,
  fromMake,
]

/** What a repository is; undefined where nothing says it. */
export function ecosystemOf(root: RootFiles): Ecosystem | undefined {
  const names = new Set(root.names)
  for (const find of KINDS) {
    const found = find(root, (name) => names.has(name))
    if (found) return found
  }
  return together(packagesOf(root))
}

/** Those of which it is known how their tests are run. */
export function packagesOf({ packages = [] }: RootFiles): Package[] {
  return packages.flatMap(({ folder, root }) => {
    const ecosystem = ecosystemOf(root)
    return ecosystem ? [{ folder, ecosystem }] : []
  })
}

interface PackageJson {
  readonly test: string | undefined
  readonly hasDependencies: boolean
}

function readPackageJson(text: string | undefined): PackageJson {
  const nothing = { test: undefined, hasDependencies: false }
  try {
    const parsed: unknown = JSON.parse(text ?? '{}')
    if (!isRecord(parsed)) return nothing
    const { scripts, dependencies, devDependencies } = parsed
    const test = isRecord(scripts) && typeof scripts['test'] === 'string' ? scripts['test'] : undefined
    const count = (value: unknown) => (isRecord(value) ? Object.keys(value).length : 0)
    return { test, hasDependencies: count(dependencies) + count(devDependencies) > 0 }
  } catch {
    return nothing
  }
}

/** What installs by which lock file; npm where there is none. */
const NODE_INSTALLS: readonly (readonly [lock: string, program: string, command: string])[] = [
  ['package-lock.json', 'npm', 'npm ci'],
  ['npm-shrinkwrap.json', 'npm', 'npm ci'],
  ['pnpm-lock.yaml', 'pnpm', 'pnpm install --frozen-lockfile'],
  ['yarn.lock', 'yarn', 'yarn install --frozen-lockfile'],
  ['bun.lock', 'bun', 'bun install --frozen-lockfile'],
  ['bun.lockb', 'bun', 'bun install --frozen-lockfile'],
]

function fromNode({ packageJson }: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  const { test, hasDependencies } = readPackageJson(packageJson)
  if (!test || /no test specified/.test(test)) return undefined
  const [, program, install] = NODE_INSTALLS.find(([lock]) => has(lock)) ?? ['', 'npm', 'npm install --no-package-lock']
  return {
    name: 'Node.js',
    programs: ['node', 'npm', ...(program === 'npm' ? [] : [program])],
    test: 'npm test --silent',
    testFiles: perFile(test),
    setup: hasDependencies ? install : undefined,
  }
}

function perFile(script: string): string | undefined {
  if (/\bnode\b/.test(script) && /--test\b/.test(script)) return 'node --test {files}'
  if (/\bvitest\b/.test(script)) return 'npx --no-install vitest run {files}'
  if (/\bjest\b/.test(script)) return 'npx --no-install jest {files}'
  return /\bmocha\b/.test(script) ? 'npx --no-install mocha {files}' : undefined
}

function fromPython(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!['pytest.ini', 'conftest.py', 'pyproject.toml', 'tox.ini', 'setup.py'].some(has)) return undefined
  if (has('uv.lock')) return pythonBy('uv', 'uv sync --frozen', 'uv run --no-sync')
  if (has('poetry.lock')) return pythonBy('poetry', 'poetry install --no-interaction', 'poetry run')
  const pip = 'python3 -m pip install --user --break-system-packages'
  return {
    name: 'Python',
    programs: ['python3'],
    test: 'python3 -m pytest -q',
    testFiles: 'python3 -m pytest -q {files}',
    setup: has('requirements.txt')
      ? `${pip} -r requirements.txt`
      : has('pyproject.toml') || has('setup.py')
        ? `${pip} -e .`
        : undefined,
  }
}

function pythonBy(program: string, setup: string, before: string): Ecosystem {
  const test = `${before} pytest -q`
  return { name: 'Python', programs: ['python3', program], test, testFiles: `${test} {files}`, setup }
}

function fromGo(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('go.mod')) return undefined
  const setup = has('go.sum') && !has('vendor') ? 'go mod download' : undefined
  return { name: 'Go', programs: ['go'], test: 'go test ./...', testFiles: GO_FILES, setup, builds: [] }
}

/** Go runs packages: those that the files are of. */
const GO_FILES = "go test $(printf './%s\\n' {files} | xargs -n 1 dirname | sort -u)"
/** Java's runners know classes by their names. */
const JAVA_CLASSES = "$(printf '%s\\n' {files} | sed 's|.*/||; s|\\.[^.]*$||' | paste -sd, -)"

/** Each file in `tests` is a target of its own (The Cargo Book, "Integration tests"); what stands elsewhere is run with all the rest. */
const CARGO_FILES =
  'failed=0; for file in {files}; do case "$file" in tests/*/*) cargo test --offline ;; tests/*.rs) name=${file#tests/}; cargo test --offline --test "${name%.rs}" ;; *) cargo test --offline ;; esac || failed=1; done; exit $failed'

function fromCargo(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('Cargo.toml')) return undefined
  const setup = has('vendor') ? undefined : 'cargo fetch'
  // Any command of Cargo's writes a lock file that is missing, or of another form.
  const settles = 'cargo metadata --offline --format-version 1 > /dev/null'
  return {
    name: 'Rust',
    programs: ['cargo'],
    test: 'cargo test --offline',
    testFiles: CARGO_FILES,
    setup,
    builds: ['target'],
    settles,
  }
}

function fromMaven(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('pom.xml')) return undefined
  const mvn = has('mvnw') ? './mvnw' : 'mvn'
  return {
    name: 'Maven',
    programs: ['java', ...(has('mvnw') ? [] : ['mvn'])],
    test: `${mvn} -B -o -q test`,
    testFiles: `${mvn} -B -o -q test -Dsurefire.failIfNoSpecifiedTests=false -Dtest=${JAVA_CLASSES}`,
    setup: `${mvn} -B -q test-compile dependency:go-offline`,
    builds: ['target'],
  }
}

function fromGradle(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('build.gradle') && !has('build.gradle.kts')) return undefined
  const gradle = has('gradlew') ? './gradlew' : 'gradle'
  return {
    name: 'Gradle',
    programs: ['java', ...(has('gradlew') ? [] : ['gradle'])],
    test: `${gradle} --offline --quiet test`,
    testFiles: `${gradle} --offline --quiet test $(printf '%s\\n' {files} | sed 's|.*/||; s|\\.[^.]*$||; s|^|--tests *|')`,
    setup: `${gradle} --quiet testClasses`,
    builds: ['build', '.gradle'],
  }
}

function fromRuby(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('Gemfile') || !has('spec')) return undefined
  return {
    name: 'Ruby',
    programs: ['ruby', 'bundle'],
    test: 'bundle exec rspec',
    testFiles: 'bundle exec rspec {files}',
    setup: 'bundle install',
  }
}

function fromComposer(_: RootFiles, has: (name: string) => boolean): Ecosystem | undefined {
  if (!has('composer.json') || !(has('phpunit.xml') || has('phpunit.xml.dist'))) return undefined
  return {
    name: 'PHP',
    programs: ['php', 'composer'],
    test: 'vendor/bin/phpunit',
    testFiles: undefined,
    setup: 'composer install --no-interaction --no-scripts',
  }
}

function fromDotnet({ names }: RootFiles): Ecosystem | undefined {
  if (!names.some((name) => /\.(?:sln|slnx|csproj|fsproj)$/.test(name))) return undefined
  const test = 'dotnet test --no-restore --nologo'
  return { name: '.NET', programs: ['dotnet'], test, testFiles: undefined, setup: 'dotnet restore' }
}

function fromMake({ makefile }: RootFiles): Ecosystem | undefined {
  if (!makefile || !/^test:/m.test(makefile)) return undefined
  return { name: 'Make', programs: ['make'], test: 'make test', testFiles: undefined, setup: undefined }
}
