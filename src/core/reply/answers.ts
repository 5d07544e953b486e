import { roleTitle } from '../roles.ts'
import { isVerb, type Unclear } from '../command.ts'
import type { Told } from '../commands/define.ts'
import { isGreeting } from '../unclear.ts'
import { spent } from '../policy.ts'
import type { Person, Task, Gate } from '../task/types.ts'
import { headline } from './card.ts'
import { firstGate, gateAt, isActive, isPlanning } from '../task/steps.ts'
import { needed } from './needed.ts'
import { questionList } from './plan.ts'
import {
  ask,
  brief,
  clockTime,
  type Document,
  dollars,
  duration,
  issue,
  link,
  list,
  mono,
  NOTHING,
  type Own,
  paragraph,
  theirs,
  say,
  shortSha,
  table,
  type Words,
} from './document.ts'
import { nameOfStep } from './rows.ts'

/** Short replies to commands. */

/** @param text a plain string is somebody else's words: whatever it names is only shown */
export function noteReply(text: Words): Document {
  return [paragraph(text)]
}

/** @param commands every command; those that are not there yet are not told of */
export function helpReply(commands: readonly Told[]): Document {
  const rows = commands
    .filter(({ help }) => help !== undefined)
    .map(({ verb, usage, help = '' }) => [say`\`${ownVerb(verb)}\``, usage === verb ? help : `\`${usage}\` ${help}`])
  return [
    paragraph(
      'Start a line of a new message with a mention and a command. Anything else after the mention is taken as a request.',
    ),
    table(['Command', 'What it does'], rows),
  ]
}

export function invalidReply(reason: string): Document {
  return [paragraph(say`${theirs(reason)} \`help\` lists what I understand.`)]
}

/** What changes a plan says so at once, and what that costs. */
export function replanReply(task: Task): Document {
  const planning = task.steps.filter(isPlanning)
  const cost = planning.reduce((sum, step) => sum + step.costUsd, 0)
  const tries = Math.max(1, ...planning.map((step) => step.attempt))
  return [
    paragraph(
      say`The plan is being written again with that in it, which costs about ${dollars(cost / tries)}. A new one follows, to be approved or rejected.`,
    ),
  ]
}

/** What a yes would be about: what waits for an approval, before anything else that people are asked. */
function askedGate(task: Task): Gate | undefined {
  return gateAt(task, 'plan') ?? gateAt(task, 'deploy') ?? firstGate(task)
}

/** What was nearly said: one line with the words for it. Nothing was done. */
export function unclearReply({ kind, text, meant }: Unclear, task: Task | undefined, mention: string): Document {
  // What is asked of people elsewhere, a word here cannot do.
  const waits = task && askedGate(task)?.kind
  const isForward = (kind === 'approval' || kind === 'assent') && (waits === undefined || waits === 'question')
  return [paragraph(unclearText(kind, text, meant, task, `@${mention}`)), ...(isForward && task ? needed(task) : [])]
}

function unclearText(
  kind: Unclear['kind'],
  text: string,
  meant: string | undefined,
  task: Task | undefined,
  me: string,
): Words {
  const open = task && askedGate(task)
  const gate = open?.kind
  const isWaiting = gate === 'plan' || gate === 'deploy'
  // A plan that was changed is approved by its name: an older approval could be under way.
  const plan = open?.kind === 'plan' && open.amended ? ` ${open.hash.slice(0, 12)}` : ''
  switch (kind) {
    case 'approval':
      if (gate === 'baseline') return unclearText('assent', text, meant, task, me)
      return isWaiting
        ? say`Nothing was approved: an approval is the word \`${me} approve${plan}\`, alone.`
        : say`Nothing waits for an approval here, so nothing was done.`
    case 'assent': {
      const choices = gate && choicesAt(gate, me, plan)
      return choices
        ? say`Nothing was decided by ${mono(text)}: ${choices}.`
        : say`I asked nothing that ${mono(text)} could answer, so nothing was done. \`${me} help\` lists what I understand.`
    }
    case 'stop':
      return task && isActive(task)
        ? say`Nothing was stopped. There is no pause; \`${me} cancel\` ends the work for good (what was pushed stays)${isWaiting ? say`, \`${me} reject <reason>\` sends back what waits for approval` : NOTHING}.`
        : say`Nothing is running here, so there is nothing to stop.`
    case 'courtesy':
      return isGreeting(text)
        ? say`Hello! That changes nothing here. Work is asked for in a sentence; \`${me} help\` lists what I understand.`
        : say`You are welcome. That changes nothing here.`
    case 'typo':
      if (task && meant === 'approve' && !isWaiting && gate !== 'baseline')
        return unclearText('approval', text, meant, task, me)
      return meant !== undefined && isVerb(meant)
        ? say`Did you mean \`${me} ${ownVerb(meant)}${meant === 'approve' ? plan : ''}\`? Nothing was done yet.`
        : say`Did you mean ${mono(`${me} ${meant ?? ''}`)}? Nothing was done yet.`
    case 'word':
      return meant === undefined
        ? say`${mono(text)} is no command, so nothing was done. \`${me} help\` lists what I understand; work is asked for in a sentence.`
        : say`Did you mean ${mono(`${me} ${meant}`)}? Nothing was done yet.`
  }
}

/** Said once to whoever gives more commands than are taken of one person. */
export function limitedReply({ burst, perMinute }: { burst: number; perMinute: number }): Document {
  return [
    paragraph(
      say`That was a lot at once: I take ${burst} commands of one person in a row, and ${perMinute} a minute after that. This one and those that follow at once are left undone; please say them again in a few minutes.`,
    ),
  ]
}

/** A word of our own list, or one that was checked when its plug-in came: what makes foreign words harmless would leave one that cannot be copied. */
function ownVerb(verb: string): Own {
  return { own: [verb], put: [] }
}

/** What can be said at a gate: a yes alone decides nothing there. @param plan the name of a plan that must be named */
function choicesAt(gate: Gate['kind'], me: string, plan: string): Own | undefined {
  switch (gate) {
    case 'plan':
    case 'deploy':
      return say`\`${me} approve${plan}\` says yes, \`${me} reject <reason>\` says no`
    case 'baseline':
      return say`\`${me} continue\` goes on without proof, \`${me} retry\` runs the tests again, \`${me} cancel\` ends the work`
    case 'budget':
      return say`\`${me} continue\` goes on, \`${me} cancel\` ends the work`
    // Whoever may answer has answered with it.
    case 'question':
      return undefined
  }
}

function questionsOf(task: Task): Document {
  const asked = gateAt(task, 'question')
  return asked ? [questionList(asked.questions)] : []
}

/** @param now ms since the epoch; the time counts to it */
export function statusReply(task: Task, now: number, more?: Words): Document {
  return [
    ...(more ? [paragraph(more)] : []),
    ...needed(task),
    ...questionsOf(task),
    paragraph(headline(task, now)),
    ...(task.pullRequest ? [paragraph(say`Pull request: ${issue(task.pullRequest.number)}`)] : []),
  ]
}

export function costReply(task: Task): Document {
  const rows = task.steps
    .filter((step) => step.attempt > 0)
    .map((step) => [
      step.id,
      roleTitle(step.role),
      `${step.turns}`,
      dollars(step.costUsd),
      step.startedAt && step.endedAt ? duration(step.endedAt - step.startedAt) : '',
    ])
  return [
    paragraph(say`**${dollars(spent(task))}** of ${dollars(task.budgetUsd)} so far.`),
    table(['Step', 'Role', 'Turns', 'Cost', 'Time'], rows),
  ]
}

/** After `cancel`: what was stopped, and what remains where. */
export function remainsReply(task: Task, by: Person): Document {
  const running = task.steps
    .filter((step) => step.status === 'running')
    .map((step) => nameOfStep(task, step).toLowerCase())
  return [
    paragraph(
      say`Cancelled by ${by.login}. ${running.length > 0 ? `Stopped: ${running.join(', ')}.` : 'Nothing was running.'} Cost so far: ${dollars(spent(task))}${running.length > 0 ? ', without the call that was cut off' : ''}.`,
    ),
    ...remains(task),
  ]
}

/** After the issue was closed: the work is over, and how it would begin anew. */
export function closedReply(task: Task, by: Person): Document {
  return [
    paragraph(
      say`${by.login} closed the issue, so this work has ended. Cost: ${dollars(spent(task))}. If it is still wanted, \`@${task.settings.mention} build\` (or the label, put on again) begins anew.`,
    ),
    ...remains(task),
  ]
}

/** The issue is closed, by somebody whose word does not end the work. */
export function closedByReader({ settings: { mention } }: Task, by: Person): Document {
  return [
    paragraph(
      say`${by.login} closed the issue; the work on it goes on. \`@${mention} cancel\` by somebody with write permission ends it.`,
    ),
  ]
}

function remains(task: Task): Document {
  const live = task.releases.filter((release) => release.deployed?.ok)
  const left = [
    ...(task.branch ? [say`branch ${mono(task.branch)}${task.headSha ? say` at ${shortSha(task.headSha)}` : ''}`] : []),
    ...(task.wip ? [say`branch ${mono(task.wip.branch)} (unfinished work)`] : []),
    ...(task.pullRequest
      ? [
          say`pull request ${issue(task.pullRequest.number)}${task.pullRequest.draft ? ' (draft)' : ''}, ${task.merged ? 'merged' : 'open'}`,
        ]
      : []),
    ...live.map((release) => say`release ${shortSha(release.deployed?.sha ?? '')} on ${release.environment}, serving`),
  ]
  return left.length > 0
    ? [paragraph('What remains:'), list(left)]
    : [paragraph('Nothing was left behind: no branch, no pull request, no deploy.')]
}

/** An event as `why` tells of it. */
export interface WhyRow {
  readonly at: number
  /** Empty where nobody knows. */
  readonly who: string
  readonly what: string
  /** Where it stands. */
  readonly url: string | undefined
  readonly outcome: string
  readonly reason: string
  readonly detail: string
}

const BECAME: Readonly<Record<string, string>> = {
  accepted: 'done',
  ignored: 'left alone',
  refused: 'refused',
  duplicate: 'known already',
  deferred: 'waits',
  open: 'not looked at yet',
}

/** What became of the latest events: who said what, where, and what came of it. */
export function whyReply(events: readonly WhyRow[]): Document {
  const rows = events.map(({ at, who, what, url, outcome, reason, detail }) => [
    url ? link(url, clockTime(at)) : clockTime(at),
    say`${who ? say`${who}: ` : NOTHING}${brief(what, 120)}`,
    say`**${BECAME[outcome] ?? outcome}**: ${brief(detail || reason.replaceAll('_', ' '), 200)}`,
  ])
  return [
    paragraph('What came in here lately, the newest first, and what became of it:'),
    table(['When', 'Who and what', 'What became of it'], rows),
  ]
}

/** Tells somebody how to show which GitHub account is theirs. @param isPrivate whether only they see it */
export function linkOffer(url: string, isPrivate: boolean, isKept: boolean): Document {
  return [
    ask(
      say`I don't know yet which GitHub account is yours. ${link(url, 'Sign in with GitHub once')}${isKept ? say`: what you asked for is kept for 24 hours, and goes on then.` : say`, then say it again.`}`,
    ),
    paragraph(
      isPrivate
        ? 'What you may do here is what you may do on the repository. The link is for you alone, and good once.'
        : 'What you may do here is what you may do on the repository. The link is meant for the person called above, good once and for 15 minutes. If you are somebody else, leave it: this account would act in your name.',
    ),
  ]
}

/** Asks which repository is meant. */
export function chooseRepository(names: readonly string[]): Document {
  return [
    ask(say`Which repository is it about? Say it again with its name, like \`@muster fix the rounding acme/web\`.`),
    ...(names.length > 0 ? [list(names.map(mono))] : []),
  ]
}
