import type { Run } from './artefacts.ts'
import { hashOf } from './hash.ts'
import type { ChecksSettings } from './settings.ts'

/** What a repository's own tests said before anything was changed. */
export type BaselineFinding =
  /** They pass. */
  | 'green'
  /** Some fail, and it is known which: the change must not make it worse. */
  | 'red'
  /** Nobody knows how they are run. */
  | 'no_command'
  /** The set-up command failed before them. */
  | 'no_setup'
  /** They ran out of time. */
  | 'hangs'
  /** They fail, and nothing says which. */
  | 'broken'

/** QA's artefact of the step before the first dollar. */
export interface Baseline {
  readonly sha: string
  /** The hash of the settings they were run with. */
  readonly under: string
  readonly found: BaselineFinding
  /** What was run; undefined where nothing was. */
  readonly run: Run | undefined
  /** What to do about it that is known only where it ran. */
  readonly hint?: string | undefined
}

/** Whether a change can be proved against it: whoever asked is asked first where it cannot. */
export const IS_USABLE: Readonly<Record<BaselineFinding, boolean>> = {
  green: true,
  red: true,
  no_command: false,
  no_setup: false,
  hangs: false,
  broken: false,
}

/** What somebody went on in spite of, as long as the tests are run as they were then. */
export function goneOnFrom(
  baseline: (Baseline & { readonly accepted?: { readonly login: string } | undefined }) | undefined,
  checks: ChecksSettings,
): { readonly by: string; readonly found: BaselineFinding; readonly run: Run | undefined } | undefined {
  if (!baseline?.accepted || baseline.under !== hashOf(checks)) return undefined
  return { by: baseline.accepted.login, found: baseline.found, run: baseline.run }
}

/** What a run of the suite without any change says. A run that was ended from outside tells nothing of its tests. */
export function findingOf(run: Run | undefined): BaselineFinding {
  if (run === undefined) return 'no_command'
  if (run.exitCode === 0) return 'green'
  if (run.timedOut) return 'hangs'
  const ran = run.exitCode < 126 && (run.failures ?? []).length > 0
  return ran ? 'red' : 'broken'
}
