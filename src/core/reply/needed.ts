import { OPEN_POLICY, approversText } from '../environments/gates.ts'
import { deployApprovals } from '../policy.ts'
import { environmentNames } from '../settings.ts'
import { askedPeople } from '../task/asked.ts'
import { approvables, failedStep, gateAt } from '../task/steps.ts'
import { isOfModel } from '../task/step.ts'
import type { Parked, Step, Task, Gate } from '../task/types.ts'
import {
  ask,
  type Block,
  brief,
  clockTime,
  dollars,
  link,
  mono,
  type Own,
  paragraph,
  say,
  shortSha,
  NOTHING,
} from './document.ts'
import { isAnythingShown } from './verdict.ts'
import { nameOfStep } from './rows.ts'
import { TITLES } from './baseline.ts'
import { gatedText, turnText } from './turn.ts'

/** What people must do for the work to go on; empty when nothing is asked. */
export function needed(task: Task): Block[] {
  const isOver = task.status === 'handed_off' || task.status === 'cancelled'
  if (task.gates.length > 0 && !isOver) return task.gates.map((gate) => ask(gateText(task, gate)))
  const text = neededText(task)
  return text ? [ask(text)] : []
}

/** What must be done, or what came of it: nothing is asked for twice. */
export function neededOr(task: Task, settled: Own | undefined): Block[] {
  return settled ? [paragraph(settled)] : needed(task)
}

function neededText(task: Task): Own | undefined {
  const failed = failedStep(task)
  if (task.status === 'handed_off')
    return say`A person needs to take over: ${brief(task.outcome ?? '', 400)}. \`@${task.settings.mention} retry\` tries again.`
  if (task.status === 'cancelled') return undefined
  if (task.missing !== undefined && task.status !== 'done') return missingText(task, task.missing)
  const parked = parkedText(task) ?? turnText(task, task.releases.at(-1))
  if (parked) return parked
  if (failed && task.status === 'waiting') return failedText(task, failed)
  if (task.merged && task.releases.length === 0 && task.status === 'done') return deployHint(task)
  if (task.pullRequest && !task.pullRequest.draft && !task.merged && task.status === 'waiting')
    return say`Please review and merge ${link(task.pullRequest.url, `#${task.pullRequest.number}`)}.${undecided(task)}`
  return undefined
}

function failedText(task: Task, step: Step): Own {
  const { error } = step
  const again = say`\`@${task.settings.mention} retry\``
  const what = brief(error?.message ?? '', 400)
  const next = isOfModel(error?.code ?? '') ? say`${again} tries once more` : say`mend it, then say ${again}`
  return say`${nameOfStep(task, step)} failed (${what}): ${next}.`
}

/** A task whose plug-in is gone. */
export function missingText({ settings }: Pick<Task, 'settings'>, plugin: string): Own {
  return say`This work needs the plug-in ${mono(plugin, 40)}, which this server does not have any more. It waits with everything it has, and goes on by itself once whoever runs Muster has set it up again (\`MUSTER_PLUGINS\`). \`@${settings.mention} cancel\` ends it.`
}

/** What QA could not tell is for whoever reviews. */
function undecided({ proofs, headSha }: Task): Own {
  const proof = proofs.at(-1)
  return proof?.verdict.open && proof.headSha === headSha
    ? say` ${isAnythingShown(proof.verdict) ? 'It is not fully proved' : 'Nothing is proved'}: ${brief(proof.verdict.reasons.join('; '), 400)}.`
    : NOTHING
}

/** Work that waits for the model provider: since when, what it takes, and when it is tried again. */
export function parkedText(task: Task): Own | undefined {
  const parked = task.steps.find((step) => step.parked && step.parked.why !== 'watch')?.parked
  if (!parked) return undefined
  const again = say`Muster tries again by itself at ${clockTime(parked.until)}; nothing that was paid for is lost.`
  const why: Readonly<Record<Parked['why'], Own>> = {
    model_credit: say`the model provider's spending limit or credit is used up. The operator should raise it, then say \`@${task.settings.mention} retry\`.`,
    model_busy: say`the model provider is overloaded or out of reach.`,
    git_busy: say`GitHub's Git server is overloaded, asks to wait, or is out of reach.`,
    deploy_gate: say`the deploy is held up. ${gatedText(task.releases.at(-1)?.gated ?? [])}.`,
    // It works: nobody has to know more than the card says.
    watch: NOTHING,
  }
  return say`Waiting since ${clockTime(parked.since)}: ${why[parked.why]} ${again}`
}

/** @param name where more than one thing waits for the same word */
function deployText(task: Task, gate: Extract<Gate, { kind: 'deploy' }>, name: string): Own {
  const { plan, requester } = task.releases.at(-1) ?? {}
  const { approvers = OPEN_POLICY.approvers, approvals = 1 } = plan ?? {}
  const given = plan ? deployApprovals(task, plan).length : 0
  const more = approvals > 1 ? say` (${given} of ${approvals} approvals)` : NOTHING
  const but = plan?.approval === 'self' ? undefined : (requester?.login ?? 'the requester')
  const who = approvers.includes('write')
    ? `somebody with write permission${but ? ` other than ${but}` : ''}`
    : approversText(approvers, but)
  return say`The deploy of ${shortSha(gate.sha)} to **${gate.environment}** waits for approval by ${who}${more}: \`@${task.settings.mention} approve${name}\`.`
}

function gateText(task: Task, gate: Gate): Own {
  const me = `@${task.settings.mention}`
  // Where two things wait for the same word, each is called by a name.
  const isOneOfSeveral = approvables(task).length > 1
  switch (gate.kind) {
    case 'question':
      return say`Please answer ${gate.questions.length === 1 ? 'the question' : `the ${gate.questions.length} questions`} below: ${whoAnswers(task, me)}.`
    case 'plan':
      return say`Please look at the plan and say \`${me} approve${gate.amended || isOneOfSeveral ? ` ${gate.hash.slice(0, 12)}` : ''}\` or \`${me} reject <reason>\` (${gate.reason}).`
    case 'deploy':
      return deployText(task, gate, isOneOfSeveral ? ` ${gate.hash.slice(0, 12)}` : '')
    case 'baseline':
      return say`${TITLES[task.baseline?.found ?? 'broken']}, so no change could be proved. Mend that and say \`${me} retry\`; or \`${me} continue\` goes on without proof.`
    case 'budget':
      return say`The budget of ${dollars(task.budgetUsd)} is used up${task.wip ? say`; the work so far is on branch ${mono(task.wip.branch)}` : ''}. \`${me} continue +$${Math.max(1, Math.round(task.settings.budgetUsd))}\` goes on, \`${me} cancel\` ends it.`
  }
}

function whoAnswers(task: Task, me: string): Own {
  const names = askedPeople(task, gateAt(task, 'question')).map(({ login }) => login)
  return names.length > 0
    ? say`${names.join(' or ')} just replies, anybody else says \`${me} answer …\``
    : say`somebody with write permission says \`${me} answer …\``
}

function deployHint(task: Task): Own | undefined {
  const [first] = environmentNames(task.settings)
  return first ? say`Merged. To release it, say \`@${task.settings.mention} deploy ${first}\`.` : undefined
}
