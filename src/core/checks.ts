import type { Annotation } from './artefacts.ts'
import { type Ecosystem, ecosystemOf, packagesOf, type RootFiles } from './ecosystems.ts'
import { type Package, together } from './packages.ts'
import type { ChecksSettings } from './settings.ts'

/** How a repository's tests are run. `testFiles` has `{files}` where the files go; without it the whole suite is used. */
export interface Checks {
  readonly test: string | undefined
  readonly testFiles: string | undefined
  readonly setup: string | undefined
  /** To be run before anybody changes anything: what it leaves is nobody's change. */
  readonly settles?: string | undefined
  /** What was asked for to run them and is not there, or not quite, in words. */
  readonly notes?: readonly string[] | undefined
}

/** The commands: those of the settings first, else what the repository's files suggest. */
export function checksOf(settings: ChecksSettings, root: RootFiles): Checks {
  const found = withOwn(settings, root)
  return {
    test: settings.test ?? found?.test,
    testFiles: settings.testFiles ?? (settings.test ? undefined : found?.testFiles),
    setup: settings.setup,
    settles: ecosystemOf(root)?.settles,
  }
}

/** With the packages that have commands of their own: these first, then those that were found, then what is at the root. */
function withOwn({ packages = {} }: ChecksSettings, root: RootFiles): Ecosystem | undefined {
  const found = ecosystemOf(root)
  const own = Object.entries(packages).map(([folder, { test, testFiles }]): Package => {
    return { folder, ecosystem: { name: folder, programs: [], test, testFiles, setup: undefined } }
  })
  if (own.length === 0) return found
  const others = packagesOf(root).filter(({ folder }) => packages[folder] === undefined)
  const atRoot = found && others.length === 0 && !root.packages ? [{ folder: '.', ecosystem: found }] : []
  return together([...own, ...others, ...atRoot])
}

const TEST_FILE =
  /(\.(test|spec)\.[cm]?[jt]sx?|_test\.(go|py|rb|exs)|_spec\.rb|(^|\/)test_[^/]+\.py|Tests?\.(java|kt|cs)|(^|\/)([^/]+_)?tests?\.rs|(^|\/)tests\/[^/]+\.rs)$/
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
