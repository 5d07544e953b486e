import { digestOf } from '../digest.ts'
import { failuresIn } from '../failures.ts'

/** What of a CI job's log says why it failed. Pure. */

/** GitHub Actions begins each line with the time. */
const STAMP = /^\uFEFF?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z /
// eslint-disable-next-line no-control-regex -- colours, as terminals have them (ECMA-48, "Control sequences").
const COLOUR = /\u001b\[[0-9;:]{0,40}[A-Za-z]/g
const ERROR = '##[error]'
const GROUP = /^##\[(?:group|endgroup|command|section|debug|warning|notice)\]/
/** How a step ends that failed; it says nothing else. */
const ENDED = /^##\[error\]Process completed with exit code \d{1,3}\.?$/
/** So many lines above the first error belong to it. */
const ABOVE = 120

/**
 * The part of a log that tells of the failure: of failing tests the beginning of each, else what stands above the first error.
 * @param most characters
 */
export function failureIn(log: string, most: number): string {
  const lines = log.split(/\r?\n/).map(plain)
  const first = lines.findIndex((line) => line.startsWith(ERROR))
  const last = lines.findLastIndex((line) => line.startsWith(ERROR))
  // The steps that clean up after the failed one are of no interest.
  const near = first < 0 ? lines : lines.slice(stepOf(lines, first), last + 1)
  const text = near
    .filter((line) => !ENDED.test(line))
    .map((line) => line.replace(GROUP, '').replaceAll(ERROR, 'error: '))
    .join('\n')
    .trim()
  return text.length <= most || failuresIn(text).length > 0 ? digestOf(text, most) : text.slice(-most)
}

function plain(line: string): string {
  return line.replace(STAMP, '').replace(COLOUR, '')
}

/** Where the step begins that the error is of, or so many lines above it. */
function stepOf(lines: readonly string[], error: number): number {
  const begins = lines.slice(0, error).findLastIndex((line) => line.startsWith('##[group]Run '))
  return begins < 0 ? Math.max(0, error - ABOVE) : begins
}
