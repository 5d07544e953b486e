import type { Annotation } from './artefacts.ts'
import type { ChecksSettings } from './settings.ts'

/** How a repository's tests are run. `testFiles` has `{files}` where the files go; without it the whole suite is used. */
export interface Checks {
  readonly test: string | undefined
  readonly testFiles: string | undefined
  readonly setup: string | undefined
}

/** What is known of a repository's root. */
export interface RootFiles {
  readonly names: readonly string[]
  readonly packageJson: string | undefined
  readonly makefile: string | undefined
}

/** The commands: those of the settings first, else what the repository's files suggest. */
export function checksOf(settings: ChecksSettings, root: RootFiles): Checks {
  const found = fromNode(root) ?? fromOthers(root)
  return {
    test: settings.test ?? found?.test,
    testFiles: settings.testFiles ?? (settings.test ? undefined : found?.testFiles),
    setup: settings.setup,
  }
}

type Found = Pick<Checks, 'test' | 'testFiles'>

function fromNode({ packageJson }: RootFiles): Found | undefined {
  const script = scriptOf(packageJson)
  if (!script || /no test specified/.test(script)) return undefined
  return { test: 'npm test --silent', testFiles: perFile(script) }
}

function scriptOf(packageJson: string | undefined): string | undefined {
  try {
    const parsed: unknown = JSON.parse(packageJson ?? '{}')
    if (typeof parsed !== 'object' || parsed === null || !('scripts' in parsed)) return undefined
    const { scripts } = parsed
    return typeof scripts === 'object' && scripts !== null && 'test' in scripts && typeof scripts.test === 'string'
      ? scripts.test
      : undefined
  } catch {
    return undefined
  }
}

function perFile(script: string): string | undefined {
  if (/\bnode\b/.test(script) && /--test\b/.test(script)) return 'node --test {files}'
  if (/\bvitest\b/.test(script)) return 'npx --no-install vitest run {files}'
  if (/\bjest\b/.test(script)) return 'npx --no-install jest {files}'
  return /\bmocha\b/.test(script) ? 'npx --no-install mocha {files}' : undefined
}

function fromOthers({ names, makefile }: RootFiles): Found | undefined {
  const has = (name: string) => names.includes(name)
  if (['pytest.ini', 'conftest.py', 'pyproject.toml', 'tox.ini', 'setup.py'].some(has))
    return { test: 'python3 -m pytest -q', testFiles: 'python3 -m pytest -q {files}' }
  if (has('go.mod')) return { test: 'go test ./...', testFiles: undefined }
  if (has('Cargo.toml')) return { test: 'cargo test --offline', testFiles: undefined }
  if (has('Gemfile') && has('spec')) return { test: 'bundle exec rspec', testFiles: 'bundle exec rspec {files}' }
  return makefile && /^test:/m.test(makefile) ? { test: 'make test', testFiles: undefined } : undefined
}

const TEST_FILE =
  /(\.(test|spec)\.[cm]?[jt]sx?|_test\.(go|py|rb|exs)|_spec\.rb|(^|\/)test_[^/]+\.py|Tests?\.(java|kt|cs))$/
const TEST_FOLDER = /(^|\/)(tests?|__tests__|spec|specs|testdata|fixtures)\//i

/** Whether a test runner would run this file. */
export function isTestFile(path: string): boolean {
  return (
    TEST_FILE.test(path) ||
    (/(^|\/)(tests?|__tests__)\//.test(path) &&
      /\.[cm]?[jt]sx?$/.test(path) &&
      !/(helpers?|fixtures?|setup|utils?)/i.test(path))
  )
}

/** Whether a file belongs to the tests: taken over to the base when the proof looks for red. */
export function belongsToTests(path: string): boolean {
  return isTestFile(path) || TEST_FOLDER.test(path)
}

/** A command with files put in, each quoted for the shell. */
export function withFiles(command: string, files: readonly string[]): string {
  const quoted = files.map((file) => `'${file.replaceAll("'", "'\\''")}'`).join(' ')
  return command.replaceAll('{files}', () => quoted)
}

/** Failing lines in a test runner's output: `path:line` of files that the repository has, with what was said there. */
export function annotationsOf(output: string, files: ReadonlySet<string>): Annotation[] {
  const found = new Map<string, Annotation>()
  const lines = output.split('\n')
  lines.forEach((text, index) => {
    for (const [raw, number] of placesIn(text.slice(0, 2000))) {
      const path = [...pathsOf(raw)].find((one) => files.has(one))
      const line = Number(number)
      const key = `${path}:${line}`
      if (path && line > 0 && !found.has(key))
        found.set(key, {
          path,
          line,
          message:
            lines
              .slice(Math.max(0, index - 6), index + 2)
              .join('\n')
              .trim()
              .slice(0, 2000) || text.trim(),
        })
    }
  })
  return [...found.values()]
}

/** `path:line` in a line of output, as runners and compilers print places. */
function placesIn(text: string): (readonly [path: string, line: string])[] {
  return text.split(/[^\w@./:-]+/).flatMap((word) => {
    const [path = '', line = ''] = word.split(':')
    return /\.\w{1,5}$/.test(path) && /^\d{1,6}$/.test(line) ? [[path, line] as const] : []
  })
}

/** A path as printed, and without its leading folders one by one (runners print absolute paths). */
function* pathsOf(raw: string): Generator<string> {
  const parts = raw.replace(/^\.\//, '').split('/')
  for (let start = 0; start < parts.length; start++) yield parts.slice(start).join('/')
}
