import type { Finding } from './finding.ts'

/** Where a repository's own settings stand. */
export const SETTINGS_PATH = '.github/muster.yml'

/** What was found of a repository before anybody asked for anything. */
export interface Survey {
  readonly sha: string
  readonly findings: readonly Finding[]
  /** Whether a change could be proved here. */
  readonly isReady: boolean
  /** The whole settings file that is proposed. */
  readonly proposed: string
}

const HEAD = '# How Muster works on this repository. What is not said here has its default.\n'
const MISSING = `# The tests could not be run as they are. What Muster needs to know:
#
# checks:
#   setup: what brings what the tests need
#   setup_network: true   # where that needs the package registries
#   test: what runs the whole suite
`

/** The settings file to propose. @param checks its part about the tests, as YAML */
export function fileFor(isReady: boolean, checks: string | undefined): string {
  if (checks) return `${HEAD}\n${checks}\n`
  return isReady ? HEAD : `${HEAD}\n${MISSING}`
}

/** A new text file as a git patch. Its last line ends with a line break. */
export function newFilePatch(path: string, text: string): string {
  const lines = text.replace(/\n$/, '').split('\n')
  return [
    `diff --git a/${path} b/${path}`,
    'new file mode 100644',
    '--- /dev/null',
    `+++ b/${path}`,
    `@@ -0,0 +1,${lines.length} @@`,
    ...lines.map((line) => `+${line}`),
    '',
  ].join('\n')
}
