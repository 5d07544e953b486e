import type { PatchNote, ReviewAnswer, Run } from '../core/artefacts.ts'
import { belongsToTests, type Checks, isTestFile, withFiles } from '../core/checks.ts'
import { digestOf } from '../core/digest.ts'
import { compared } from '../core/failures.ts'
import type { Slice } from '../core/slices.ts'
import type { ReviewComment } from '../core/task/types.ts'
import type { ToolOutput } from '../tools/types.ts'
import type { Checkout } from '../workspace/types.ts'
import { hasInlineTests } from './inline.ts'
import { numberOf } from './prompt.ts'
import type { StepContext } from './types.ts'
import { evidence } from './workspace.ts'

/** What a change has to answer, and what it is made against. */
interface Wanted {
  readonly parentSha: string
  /** The review comments that want an answer. */
  readonly comments: readonly ReviewComment[]
  /** Where it is one of several parts: those of the others. */
  readonly others?: readonly Slice[]
}

/** What was red before is no fault of the change. @returns what is wrong; undefined where nothing is, or nobody can tell */
function worseThan(run: Run, before: Run | undefined): string | undefined {
  const { failures = [] } = run
  const failing = failures.length > 0 ? ` (failing: ${failures.slice(0, 10).join('; ')})` : ''
  if (!before || before.exitCode === 0) return `the tests do not pass${failing}`
  const than = compared(run, before)
  return than.kind === 'worse'
    ? `the tests were red before, and these fail with the change alone: ${than.fresh.slice(0, 20).join(', ')}`
    : undefined
}

/** What the host checks before it takes the result: every comment answered, a test of its own, and the suite. */
export async function objection(
  { task }: StepContext,
  checkout: Checkout,
  checks: Checks,
  note: PatchNote & { readonly answers?: readonly ReviewAnswer[] },
  { comments, parentSha, others }: Wanted,
  baseline: () => Promise<Run | undefined>,
): Promise<ToolOutput | undefined> {
  const missing = comments
    .map((comment) => numberOf(task, comment))
    .filter((number) => !note.answers?.some((answer) => answer.id === number))
  if (missing.length > 0) return { text: `answers are missing for the comments ${missing.join(', ')}`, isError: true }
  const { files } = await checkout.diff(parentSha)
  if (files.length === 0) return undefined
  const foreign = files.filter((file) => others?.some((slice) => slice.files.includes(file)))
  if (foreign.length > 0)
    return {
      text: `these files are for other parts, which are made at the same time: ${foreign.join(', ')}; put them back as they were`,
      isError: true,
    }
  // Of several parts one may have the tests of all.
  const isFirst = !others && checks.test && !task.headSha
  if (isFirst && !files.some(belongsToTests) && !(await hasInlineTests(checkout, parentSha, files)))
    return {
      text: 'the change has no test; add one that fails without the change, in a file that the test runner finds',
      isError: true,
    }
  const tests = files.filter(isTestFile)
  const { timeoutSeconds } = task.settings.checks
  const commands = [
    tests.length > 0 && checks.testFiles ? withFiles(checks.testFiles, tests) : undefined,
    checks.test,
  ].filter((command) => command !== undefined)
  for (const command of commands) {
    const run = await evidence(checkout, command, timeoutSeconds)
    // Some files alone pass less than the whole suite does.
    const compares = command === checks.test ? run : { ...run, passed: undefined }
    const wrong = run.exitCode === 0 ? undefined : worseThan(compares, await baseline())
    if (wrong !== undefined)
      return {
        text: `${wrong}: exit code ${run.exitCode} from ${command}\n${digestOf(run.output, 6000)}`,
        isError: true,
      }
  }
  return undefined
}
