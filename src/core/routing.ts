import { channelTraits } from './said.ts'
import { openedBy, workflowOf } from './workflows/registry.ts'
import { gateAt, isActive } from './task/steps.ts'
import { patternsFor, type Told, toldIn } from './calls.ts'
import { type Added, type Command, isAdded } from './command.ts'
import { isPolite, isPutOff, spokenOf } from './unclear.ts'
import { visibleWords } from './visible.ts'
import { branchKey, githubKey, type Heard, type Subject } from './heard.ts'
import type { TaskCommand } from './deciding/commands.ts'
import { isEndedByClosing, PULL_COUNTS } from './deciding/github.ts'
import type { Origin, Person, Task } from './task/types.ts'

/** What Muster is called where the event happened. */
export interface Names {
  readonly mentions: readonly string[]
  readonly label: string
  readonly botId: number
  /** The repository's environments, as far as its settings can be read. */
  readonly environments: readonly string[]
  /** Those at which workflows wait for Muster. */
  readonly awaited?: readonly string[] | undefined
}

/** Where an event leads. Authority is asked afterwards, where the route says so. */
export type Route =
  | { readonly to: 'ignore'; readonly reason: string; readonly detail: string }
  | {
      readonly to: 'open'
      readonly trigger: Origin['trigger']
      readonly command: Command
      readonly subject: Subject
      readonly commentId: number | undefined
    }
  | { readonly to: 'person'; readonly command: Command; readonly commentId: number | undefined }
  /** A fact about the pull request; `wantsWrite` where only the team's people count. */
  | { readonly to: 'task'; readonly command: TaskCommand; readonly wantsWrite: boolean }

/** Whether a command begins a piece of work. */
export function isOpening(verb: Command['verb']): boolean {
  return openedBy(verb) !== undefined
}

/** Platforms count in seconds, and tell of one action twice at about the same time. */
const TWINS_MS = 2000

/** Decides where an event leads; of a text with several commands, the one that is given. Pure. */
export function route(
  heard: Heard,
  task: Task | undefined,
  names: Names,
  told: Told = toldBy(heard, names),
  nth = 0,
): Route {
  const found = routeOf(heard, task, names, { command: told.commands[nth], isAddressed: told.isAddressed })
  return found.to === 'open' && task && isTwin(heard, task)
    ? ignore('same_request', 'another half of what began the task before, or said earlier still')
    : found
}

/**
 * Whether something was said before the task was asked for, or in the same breath: what arrives of that later begins nothing.
 */
function isTwin({ writtenAt, elsewhere }: Heard, { origin: { askedAt, surface } }: Task): boolean {
  const channel = elsewhere?.surface.channel
  const mayBe = channel === undefined || channelTraits(channel).tellsInHalves
  return askedAt !== undefined && mayBe && channel === surface?.channel && writtenAt <= askedAt + TWINS_MS
}

/** What was told, one of it. */
interface Saying {
  readonly command: Command | undefined
  readonly isAddressed: boolean
}

function routeOf(heard: Heard, task: Task | undefined, names: Names, saying: Saying): Route {
  const { what, sender } = heard
  if (sender.id === names.botId) return ignore('own_text', 'written by Muster itself')
  // Facts about the pull request count whoever caused them: merge queues and autofixers are bots.
  if (
    sender.isBot &&
    !['merged', 'closed', 'issue.closed', 'pushed', 'check.failed', 'check.passed'].includes(what.type)
  )
    return ignore('bot_sender', 'written by another bot')
  switch (what.type) {
    case 'label':
      return label(what, task, names)
    case 'assigned':
      if (what.assignee.id !== names.botId) return ignore('not_for_us', 'somebody else was assigned')
      return start('assignment', { verb: 'build', text: '' }, what.subject, undefined, task)
    case 'text':
      return words(heard, what, task, names, saying)
    case 'issue.closed':
      return issueClosed(heard, task)
    case 'awaited':
      return awaited(what, task, names)
    default:
      if (task && isItsPull(heard, task)) return aboutPull(heard, what)
      return aboutOthers(heard, what, task, names)
  }
}

function issueClosed(heard: Heard, task: Task | undefined): Route {
  if (!task || heard.key !== githubKey(task.origin.repository.id, task.origin.number))
    return ignore('no_task', 'not the issue of a task')
  // Told late, it is about what was asked for before.
  if (heard.writtenAt < (task.origin.askedAt ?? task.openedAt))
    return ignore('stale', 'closed before the work was asked for')
  // Every merge closes one: nobody is asked about that.
  if (!isEndedByClosing(task)) return ignore(PULL_COUNTS.reason, PULL_COUNTS.detail)
  return { to: 'task', wantsWrite: false, command: { type: 'issue.closed', by: personIn(heard), mayEnd: false } }
}

/** A workflow that waits asks for a deploy of its commit, where the pull request of that is talked about. */
function awaited(
  { environment: called, sha, awaits, pull: subject }: Extract<Heard['what'], { type: 'awaited' }>,
  task: Task | undefined,
  { awaited: known = [] }: Names,
): Route {
  // GitHub compares their names without case.
  const environment = known.find((name) => name.toLowerCase() === called.toLowerCase())
  if (environment === undefined)
    return ignore('not_for_us', 'no environment of that name is one at which workflows wait for Muster')
  if (!subject) return ignore('no_task', 'no pull request has that commit')
  const command: Command = { verb: 'deploy', environment, ref: sha, awaits }
  const isOwnPull = task?.pullRequest?.number === subject.number
  const goesOn = task !== undefined && (isOwnPull || !beginsBeside(command, task))
  return goesOn
    ? { to: 'person', command, commentId: undefined }
    : { to: 'open', trigger: 'deployment', command, subject, commentId: undefined }
}

function ignore(reason: string, detail: string): Route {
  return { to: 'ignore', reason, detail }
}

function label(what: Extract<Heard['what'], { type: 'label' }>, task: Task | undefined, names: Names): Route {
  if (what.label.toLowerCase() !== names.label.toLowerCase())
    return ignore('not_for_us', `the label is "${what.label.slice(0, 50)}"`)
  if (!what.subject.isPullRequest) return start('label', { verb: 'build', text: '' }, what.subject, undefined, task)
  if (task?.pullRequest?.number === what.subject.number)
    return ignore('own_pull_request', 'people review what Muster changes')
  return look('label', what.subject, undefined, task)
}

/** A look at somebody's pull request: one more of the task that looks at it, or the first. */
function look(
  trigger: Origin['trigger'],
  subject: Subject,
  commentId: number | undefined,
  task: Task | undefined,
): Route {
  const command: Command = { verb: 'review', text: '' }
  const isOver = task?.status === 'cancelled' || task?.status === 'handed_off'
  const mayGoOn = task && (isActive(task) || (isLook(task) && !isOver))
  return mayGoOn ? { to: 'person', command, commentId } : { to: 'open', trigger, command, subject, commentId }
}

/** Whether it looks at the pull request that it was asked for in. */
function isLook(task: Task): boolean {
  return task.origin.isPullRequest && workflowOf(task).again !== undefined
}

/** A second request while a task is under way joins that task; after its end it starts a new one. */
function start(
  trigger: Origin['trigger'],
  command: Command,
  subject: Subject,
  commentId: number | undefined,
  task: Task | undefined,
): Route {
  const active = task && (task.status === 'working' || task.status === 'waiting')
  if (active || (task && trigger === 'mention')) return { to: 'person', command, commentId }
  return { to: 'open', trigger, command, subject, commentId }
}

/** What Muster was told; words that were handed over are a request, whatever they say. */
export function toldBy({ what }: { readonly what: Spoken }, names: Pick<Names, 'mentions' | 'environments'>): Told {
  if (what.type !== 'text') return { commands: [], isAddressed: false, isNamed: false }
  if (what.command) return { commands: [what.command], isAddressed: false, isNamed: true }
  if (!what.handed) return toldIn(what.text, names.mentions, names.environments)
  const words = what.text.replace(/^@\w+\s*/, '').trim()
  const command: Command = words === '' ? { verb: 'help', text: '' } : { verb: 'request', text: words }
  return { commands: [command], isAddressed: false, isNamed: true }
}

type Text = Extract<Heard['what'], { type: 'text' }>
type Spoken = Pick<Text, 'type' | 'text' | 'command' | 'handed'> | Exclude<Heard['what'], Text>

/** What was given up is tried again; what is said with it is new work. */
function beginsAnew({ status }: Task, text: string): boolean {
  return status === 'cancelled' || status === 'done' || (status === 'handed_off' && text !== '')
}

/** What may be asked for on somebody's pull request when the work that was asked for before has ended. */
function beginsBeside({ verb }: Command, task: Task): boolean {
  if (isActive(task)) return false
  return (
    verb === 'fix' || verb === 'ask' || ((verb === 'deploy' || verb === 'bisect') && !workflowOf(task).mayRelease(task))
  )
}

/** A plug-in's, which has no other work to go on with. */
function beginsOwn(command: Command): command is Added {
  return isAdded(command) && isOpening(command.verb)
}

/** What is said to Muster within a sentence: thanks and greetings are nothing to take along. */
function spokenTo(text: string, { mentions }: Names): Command {
  const rest = withoutMention(text, mentions)
  return { verb: 'note', text, meant: spokenOf(rest) }
}

function withoutMention(text: string, mentions: readonly string[]): string {
  return text.replace(patternsFor(mentions).mention, ' ').replace(/\s+/g, ' ').trim()
}

function words(
  heard: Heard,
  what: Text,
  task: Task | undefined,
  names: Names,
  { command, isAddressed }: Saying,
): Route {
  const { commentId } = what
  if (
    command &&
    (command.verb === 'plan' || command.verb === 'build' || command.verb === 'fix' || beginsOwn(command)) &&
    task &&
    beginsAnew(task, command.text) &&
    !what.subject.isPullRequest
  ) {
    return { to: 'open', trigger: 'mention', command, subject: what.subject, commentId }
  }
  const isOwnPull = task?.pullRequest?.number === what.subject.number
  // On somebody's own pull request, beside whatever was done there before.
  if (command && what.subject.isPullRequest && task && !isOwnPull && beginsBeside(command, task))
    return { to: 'open', trigger: 'mention', command, subject: what.subject, commentId }
  if (command?.verb === 'review' && what.subject.isPullRequest && !isOwnPull)
    return look('mention', what.subject, commentId, task)
  // Said to Muster while it asks something, words are the answer.
  if (command?.verb === 'request' && task && gateAt(task, 'question'))
    return { to: 'person', command: { verb: 'answer', text: command.text }, commentId }
  if (command && task) return { to: 'person', command, commentId }
  if (command && isOpening(command.verb))
    return { to: 'open', trigger: 'mention', command, subject: what.subject, commentId }
  if (command) return { to: 'person', command, commentId }
  if (task && isAnswer(heard, what, task, names))
    return { to: 'person', command: { verb: 'answer', text: what.text }, commentId }
  if (isAddressed) return { to: 'person', command: spokenTo(what.text, names), commentId }
  return ignore('no_trigger', 'no command at the start of a line')
}

/**
 * Whether a plain reply answers the questions asked: it is by somebody who was asked (whoever wants the work, and whoever wrote
 * it up), was written after the question, speaks to nobody else, and says something. Anybody else says `answer …`.
 */
function isAnswer(heard: Heard, what: Text, task: Task, { mentions }: Names): boolean {
  const { origin } = task
  const gate = gateAt(task, 'question')
  const isReply = what.commentId !== undefined || heard.elsewhere !== undefined
  if (!gate || !isReply || what.text.trim() === '') return false
  const { id } = heard.sender
  const isAsked = id !== 0 && (id === origin.requester.id || id === origin.author.id)
  // Platforms count in seconds. Not every one says when something was written.
  const isLater = !(heard.writtenAt + TWINS_MS < gate.openedAt)
  const words = withoutMention(what.text, mentions)
  return isAsked && isLater && !isPolite(words) && !isPutOff(words) && !speaksToOthers(what.text)
}

/** Muster's own name is no matter: words that begin with it are commands. */
function speaksToOthers(text: string): boolean {
  return /(?<![\w@/.-])@(?!muster\b)[\p{L}\p{N}_]/iu.test(visibleWords(text))
}

/** A conversation may have had pull requests of earlier tasks; what happens to those is history. */
function isItsPull(heard: Heard, task: Task): boolean {
  const { origin, pullRequest, branch } = task
  if (pullRequest === undefined) return false
  const { id } = origin.repository
  return (
    heard.key === githubKey(id, pullRequest.number) || (branch !== undefined && heard.key === branchKey(id, branch))
  )
}

/** Somebody's pull request: who put the label on it wants each new head looked at, as long as it is in the repository itself. */
function aboutOthers(heard: Heard, what: AboutPull, task: Task | undefined, { label: wanted }: Names): Route {
  const isIts = task && isLook(task) && heard.key === githubKey(task.origin.repository.id, task.origin.number)
  if (isIts && (what.type === 'merged' || what.type === 'closed')) return aboutPull(heard, what)
  if (what.type !== 'pushed' || (!isIts && !what.pull)) return ignore('no_task', 'not the pull request of a task')
  const isLabelled = what.labels?.some((label) => label.toLowerCase() === wanted.toLowerCase()) ?? false
  if (!isLabelled) return ignore('not_asked', 'a new head is looked at when somebody asks, or the label stands')
  if (what.isFromFork) return ignore('from_fork', 'a new head from elsewhere is looked at when somebody asks')
  if (isIts) return aboutPull(heard, what)
  // There was other work on it meanwhile; what is under way now is not disturbed.
  if (!what.pull || (task && isActive(task))) return ignore('other_work', 'there is other work on the pull request')
  return look('label', what.pull, undefined, task)
}

function personIn({ sender: { id, login } }: Heard): Person {
  return { id, login }
}

type AboutPull = Exclude<Heard['what'], { type: 'label' | 'assigned' | 'text' | 'issue.closed' | 'awaited' }>

function aboutPull(heard: Heard, what: AboutPull): Route {
  const by = personIn(heard)
  switch (what.type) {
    case 'review':
      return {
        to: 'task',
        wantsWrite: true,
        command: { type: 'review', by, comments: what.comments, state: what.state },
      }
    case 'merged':
      return { to: 'task', wantsWrite: false, command: { type: 'merged', by, sha: what.sha } }
    case 'closed':
      return { to: 'task', wantsWrite: false, command: { type: 'closed', by } }
    case 'pushed':
      return { to: 'task', wantsWrite: false, command: { type: 'pushed', headSha: what.headSha } }
    case 'check.failed':
    case 'check.passed':
      return { to: 'task', wantsWrite: false, command: what }
    case 'button':
      if (what.action === 'rerun') return { to: 'task', wantsWrite: true, command: { type: 'reprove' } }
      return {
        to: 'person',
        command: { verb: what.action === 'why' ? 'why' : 'retry', text: '' },
        commentId: undefined,
      }
  }
}
