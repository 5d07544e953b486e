import { failuresIn } from './failures.ts'
import { clip } from './sanitise.ts'

/** So many lines of each failing test are shown, and of so many tests at most. */
const LINES_EACH = 14
const MOST_TESTS = 12
/** How a test runner begins to tell of a failing test: TAP and Node, vitest, jest, pytest, Go, Cargo, JUnit by Maven. */
const BEGINS = /^[ \t]{0,40}(?:not ok\b|[✖×] |● |_{3,} .* _{3,}$|--- FAIL: |---- .* stdout ----|FAIL |\[ERROR\] )/
/** Lines of a stack below its first ones say little. */
const STACK = /^[ \t]{0,40}(?:at |File "\/usr\/|\d{1,4}: (?:std|core|rust|tokio)|\w+\.java:\d+)/

/**
 * What a command printed, where that is long: of failing tests the first lines of each, and the end of it; else its beginning and end.
 * @param most characters
 */
export function digestOf(output: string, most: number): string {
  if (output.length <= most) return output
  const blocks = blocksOf(output.split('\n'))
  if (failuresIn(output).length === 0 || blocks.length === 0) return clip(output, most)
  const shown = blocks.slice(0, MOST_TESTS).map(short)
  const left = blocks.length - shown.length
  const end = output.trimEnd().split('\n').slice(-12).join('\n')
  const head = `[of ${output.length} characters: the beginning of each failing test${left > 0 ? `, ${left} left out` : ''}, and the end]`
  return clip([head, ...shown, '[the end]', end].join('\n'), most)
}

/** Each from where a failing test begins to where the next does. */
function blocksOf(lines: readonly string[]): string[][] {
  const blocks: string[][] = []
  for (const line of lines) {
    if (BEGINS.test(line.slice(0, 200))) blocks.push([])
    blocks.at(-1)?.push(line)
  }
  return blocks
}

/** pytest marks what failed and why; all before that is the test itself. */
const MARKED = /^[>E]\s/

function short(block: readonly string[]): string {
  const marked = block.filter((line) => MARKED.test(line))
  if (marked.length > 0)
    return [...block.slice(0, 1), ...marked.slice(0, LINES_EACH)].map((line) => line.slice(0, 300)).join('\n')
  const telling = block.filter((line, index) => index < 2 || !STACK.test(line.slice(0, 200)))
  const shown = telling.slice(0, LINES_EACH).map((line) => line.slice(0, 300))
  return shown.join('\n').trimEnd()
}
