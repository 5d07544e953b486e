import { hashOf } from '../core/hash.ts'
import type { Checks } from '../core/checks.ts'
import { clip, quoteBlock } from '../core/sanitise.ts'
import type { StepContext } from './types.ts'

/** How the tests are run, how long that takes and may take, and what of them is red without the change. */
export function testsText({ task, nonce }: StepContext, { test, testFiles }: Checks, baseSha: string): string {
  const { baseline, settings } = task
  const isOfThis = baseline?.sha === baseSha && baseline.under === hashOf(settings.checks)
  const run = isOfThis ? baseline.run : undefined
  const failures = run?.failures ?? []
  return [
    '## The tests',
    test
      ? `The whole suite is run by: ${test}${run ? ` (${took(run.seconds)})` : ''}`
      : baseline?.found === 'hangs'
        ? `The whole suite has no end here (\`${baseline.run?.command ?? ''}\`): do not run it. A person has decided that the work goes on without it.`
        : 'It is not known how the tests of this repository are run. A person has decided that the change is made without proof.',
    ...(testFiles ? [`Single test files are run by: ${testFiles}`] : []),
    `A command is ended after ${settings.checks.timeoutSeconds} s.`,
    ...(test && baseline?.accepted
      ? ['It could not be run before the change; a person has decided that the work goes on without proof.']
      : []),
    ...(failures.length > 0
      ? [
          `These fail already, without any change; nothing else may fail:\n${quoteBlock('failures', clip(failures.join('\n'), 4000), nonce)}`,
        ]
      : []),
  ].join('\n')
}

/** Coarse, so that the same is said each time. */
function took(seconds: number): string {
  return seconds < 10 ? 'a few seconds' : seconds < 90 ? 'about a minute' : `some ${Math.round(seconds / 60)} minutes`
}
