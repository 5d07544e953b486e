import type { Run } from './artefacts.ts'
import { type BaselineFinding, IS_USABLE } from './baseline.ts'
import type { Checks } from './checks.ts'
import type { ChecksSettings } from './settings.ts'

/** What was seen of a repository's tests before there is any work on it. */
export interface SeenTests {
  /** What its settings say already. */
  readonly settings: ChecksSettings
  /** How its tests are run here, with the set-up that was tried. */
  readonly checks: Checks
  readonly setupNetwork: boolean
  readonly found: BaselineFinding
  readonly suite: Run | undefined
  /** Whether single files can be run as `checks.testFiles` says; undefined: it was not tried. */
  readonly perFile: boolean | undefined
}

/** A suite may take so many times as long as it did, on a busy day. */
const SLACK_TIMES = 4

/** The seconds that the suite should be given; undefined where those of the settings will do. */
function timeoutFor({ suite, settings }: SeenTests): number | undefined {
  if (!suite || suite.timedOut) return undefined
  const wanted = Math.ceil((suite.seconds * SLACK_TIMES) / 60) * 60
  return wanted > settings.timeoutSeconds ? wanted : undefined
}

/**
 * The part of `.github/muster.yml` that would do: what Muster found out by itself need not stand there, but for what could change by
 * accident. @returns YAML; undefined where nothing can be proposed, or all of it is said already
 */
export function proposedSettings(seen: SeenTests): string | undefined {
  const { checks, setupNetwork, found, perFile, settings } = seen
  if (!checks.test || !IS_USABLE[found]) return undefined
  const timeout = timeoutFor(seen)
  const isSaid = settings.test === checks.test && settings.setup === checks.setup && !timeout
  if (isSaid) return undefined
  // Strings of JSON are strings of YAML.
  const lines = [
    ...(checks.setup ? [`setup: ${JSON.stringify(checks.setup)}`] : []),
    ...(checks.setup && setupNetwork ? ['setup_network: true'] : []),
    `test: ${JSON.stringify(checks.test)}`,
    ...(checks.testFiles && perFile !== false ? [`test_files: ${JSON.stringify(checks.testFiles)}`] : []),
    ...(timeout ? [`timeout: ${timeout}`] : []),
    // What is said already and would be lost with the part.
    ...(settings.services?.length ? [`services: ${JSON.stringify(settings.services)}`] : []),
    ...(Object.keys(settings.runtimes ?? {}).length > 0 ? [`runtimes: ${JSON.stringify(settings.runtimes)}`] : []),
    ...(settings.image === undefined ? [] : [`image: ${JSON.stringify(settings.image)}`]),
    ...(settings.setupScripts ? ['setup_scripts: true'] : []),
  ]
  return ['checks:', ...lines.map((line) => `  ${line}`)].join('\n')
}
