import type { Run } from '../core/artefacts.ts'
import { type Baseline, findingOf } from '../core/baseline.ts'
import { hashOf } from '../core/hash.ts'
import type { Task } from '../core/task/types.ts'
import type { CloneContext, StepContext } from './types.ts'
import { evidence, SetupFailed, withCheckout } from './workspace.ts'
import { trunkOf } from '../core/task/origin.ts'

/** What is kept of the output of tests that pass. */
const SHORT = 2000

/** QA, before the first dollar: the tests of the default branch as they are, in a fresh clone. */
export async function testsAsTheyAre(context: CloneContext): Promise<Baseline> {
  const { task, git } = context
  const { repository } = task.origin
  const sha = await git.resolve(repository, trunkOf(task.origin))
  const under = settingsOf(task)
  // Read while the tests run: whoever plans the work finds a map of it.
  void git.symbols?.(repository, sha, { names: [], words: [] }, 0).catch(() => {})
  try {
    const { run, notes } = await suiteWithNotes(context, sha)
    const kept = run?.exitCode === 0 ? { ...run, output: run.output.slice(-SHORT) } : run
    const hint = run?.exitCode === 0 || notes.length === 0 ? {} : { hint: notes.join(' ') }
    return { sha, under, found: findingOf(run), run: kept, ...hint }
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error
    return { sha, under, found: 'no_setup', run: error.run, hint: error.reason }
  }
}

/** The whole suite at a commit of the default branch. What was seen of it before the work began is not run again. */
export async function suiteOn(context: StepContext, sha: string): Promise<Run | undefined> {
  const { baseline } = context.task
  const isKnown = baseline?.sha === sha && baseline.under === settingsOf(context.task) && baseline.found !== 'no_setup'
  return isKnown ? baseline.run : runSuite(context, sha)
}

async function runSuite(context: CloneContext, sha: string): Promise<Run | undefined> {
  return (await suiteWithNotes(context, sha)).run
}

function suiteWithNotes(context: CloneContext, sha: string) {
  const { timeoutSeconds } = context.task.settings.checks
  return withCheckout(context, sha, async (checkout, { test, notes = [] }, keepBuilt) => {
    const run = test ? await evidence(checkout, test, timeoutSeconds) : undefined
    if (run && !run.timedOut) await keepBuilt()
    return { run, notes }
  })
}

/** How the tests are run, as far as the settings say. */
function settingsOf({ settings }: Pick<Task, 'settings'>): string {
  return hashOf(settings.checks)
}
