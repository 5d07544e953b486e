import { gateAt } from '../task/steps.ts'
import { type Baseline, type BaselineFinding, IS_USABLE } from '../baseline.ts'
import { spent } from '../policy.ts'
import { clip } from '../sanitise.ts'
import type { Task } from '../task/types.ts'
import {
  ask,
  type Block,
  brief,
  code,
  dollars,
  type Document,
  heading,
  joined,
  mono,
  NOTHING,
  type Own,
  paragraph,
  say,
  shortSha,
} from './document.ts'
import { trunkOf } from '../task/origin.ts'

/** What was found, as people read it. */
export const TITLES: Readonly<Record<BaselineFinding, string>> = {
  green: 'The tests pass',
  red: 'Some tests fail already',
  no_command: 'I do not know how the tests are run',
  no_setup: 'The set-up command fails',
  hangs: 'The tests run out of time',
  broken: 'The tests cannot be run',
}

/** What to set in `.github/muster.yml`, in Muster's own words. */
const WHAT_TO_SET: Readonly<Record<BaselineFinding, Own>> = {
  green: NOTHING,
  red: NOTHING,
  no_command: say`Say how they are run: \`checks.test\` in \`.github/muster.yml\` (and \`checks.setup\`, if something has to be installed first).`,
  no_setup: say`Mend \`checks.setup\` in \`.github/muster.yml\`; it runs in a fresh clone, without a network unless \`checks.setup_network\` is set and the operator allows it.`,
  hangs: say`Say what to run in \`checks.test\`, or give it more time with \`checks.timeout\`, in \`.github/muster.yml\`. There is no network where they run.`,
  broken: say`Often something has to be installed first (\`checks.setup\`), or another command runs the tests (\`checks.test\`), both in \`.github/muster.yml\`. There is no network where they run.`,
}

const LOG = 2400
const SHOWN_RED = 5

/** What stands in the way before anything was paid for, and what people can do. @param settled what came of it */
export function baselineComment(task: Task, settled?: Own): Document {
  const { baseline } = task
  if (!baseline) return []
  const me = `@${task.settings.mention}`
  return [
    heading(TITLES[baseline.found]),
    paragraph(
      say`${spent(task) === 0 ? 'Before any work began' : 'Before the work goes on'}, I tried to run the tests of ${branchAt(task, baseline)} as they are: ${because(baseline)}. Without them no change can be proved. ${spent(task) === 0 ? 'Nothing has' : `${dollars(spent(task))} has`} been spent yet.`,
    ),
    ...log(baseline),
    paragraph(say`${WHAT_TO_SET[baseline.found]}${baseline.hint ? say` ${brief(baseline.hint, 300)}` : NOTHING}`),
    settled
      ? paragraph(settled)
      : ask(
          say`Mend it and say \`${me} retry\`; or \`${me} continue\` goes on without proof, and a person decides at the review; or \`${me} cancel\`.`,
        ),
  ]
}

function branchAt({ origin }: Task, { sha }: Baseline): Own {
  return say`${mono(trunkOf(origin))} (${shortSha(sha)})`
}

function because({ found, run }: Baseline): Own {
  const command = mono(run?.command ?? '', 200)
  const because: Readonly<Record<BaselineFinding, Own>> = {
    green: say`${command} passes`,
    red: say`${command} fails`,
    no_command: say`nothing in the repository says by which command`,
    no_setup: run?.timedOut
      ? say`${command} was still running after ${Math.round(run.seconds)} s`
      : say`${command} ended with exit code ${run?.exitCode ?? 0}`,
    hangs: say`${command} was still running after ${Math.round(run?.seconds ?? 0)} s`,
    broken:
      (run?.failures ?? []).length > 0
        ? say`${command} was ended from outside (exit code ${run?.exitCode ?? 0})`
        : say`${command} ended with exit code ${run?.exitCode ?? 0}, and its output names no test that failed`,
  }
  return because[found]
}

function log({ run }: Baseline): Block[] {
  const printed = clip(run?.output.trim() ?? '', LOG)
  return printed === '' ? [] : [paragraph(say`What it printed:`), code(printed)]
}

/** What of it people should know while the work goes on. */
export function baselineNote(task: Task): Block[] {
  const { baseline } = task
  if (!baseline || baseline.found === 'green' || gateAt(task, 'baseline')) return []
  if (!IS_USABLE[baseline.found])
    return baseline.accepted
      ? [paragraph(say`⚠️ ${TITLES[baseline.found]}: ${baseline.accepted.login} decided to go on without proof.`)]
      : []
  const names = baseline.run?.failures ?? []
  const more = names.length - SHOWN_RED
  const shown = joined(
    names.slice(0, SHOWN_RED).map((name) => mono(name, 120)),
    say`, `,
  )
  return [
    paragraph(
      say`⚠️ The suite is red on ${branchAt(task, baseline)} already (${names.length} failing: ${shown}${more > 0 ? say` and ${more} more` : NOTHING}). The change must not make it worse.`,
    ),
  ]
}
