import type { WorkflowDefinition } from '../core/workflows/define.ts'
import { openedBy } from '../core/workflows/registry.ts'
import type { Bisect } from '../core/bisect.ts'
import type { ReactsTo } from '../core/effects.ts'
import type { Command } from '../core/command.ts'
import { noteReply } from '../core/reply/answers.ts'
import type { Route } from '../core/routing.ts'
import type { RepositorySettings } from '../core/settings.ts'
import { isTicket, type Surface, surfaceKey, type Ticket, channelTraits } from '../core/said.ts'
import { personActor } from '../core/deciding/actor.ts'
import { bisectFrom, nothingWorse, unknownBounds, unknownEnvironment, unknownRef } from '../core/deciding/deploys.ts'
import type { Origin, Repository, TaskEvent } from '../core/task/types.ts'
import { changedByTeam, mayWriteAs } from './writers.ts'
import { heardBefore, remarksOn, withNames } from './conversation.ts'
import { type Found, keyOf, namedIssue, namedTickets } from './places.ts'
import { acknowledgement, decideOnly, reply, settingsInvalid } from './replies.ts'
import { inboundOf, type InboxDeps, type Scene } from './scene.ts'

type Opening = Extract<Route, { to: 'open' }>

/** Starts a task from an event whose author may do so. */
export async function openTask(deps: InboxDeps, scene: Scene, way: Opening): Promise<void> {
  const loaded = await deps.settings.load(scene.heard.repository, true)
  if (!loaded.ok) return settingsInvalid(deps, scene, loaded)
  const isOfPull = way.subject.isPullRequest && (workflowOf(way).worksOn ?? []).includes('pull_request')
  const pull = isOfPull ? await deps.platform.findPull(scene.heard.repository, way.subject.number) : undefined
  const refusal =
    refusalOf(way, loaded.settings) ??
    (pull ? refusalOfPull(way, pull) : undefined) ??
    (await refusalOfRef(deps, scene.heard.repository, way.command))
  if (refusal) {
    await reply(deps, scene, noteReply(refusal))
    return decideOnly(deps, scene, { outcome: 'refused', reason: 'not_possible', detail: refusal })
  }
  const { command } = way
  const trusted = (await authorMayWrite(deps, scene, way)) && (await unchangedByOthers(deps, scene))
  // What strangers write names no places: Muster would write there in their stead.
  const workflow = workflowOf(way)
  // What moves tickets belongs to those that it names.
  const places = trusted && workflow.movesTickets ? await otherPlaces(deps, scene, way) : NOWHERE_ELSE
  const { linked, issue } = places
  const nth = (await deps.store.tasks.count(scene.conversationId)) + 1
  const origin = await originOf(deps, scene, way, nth)
  const thread = mends(way)
    ? await remarksOn(deps, scene.heard.repository, way.subject.number)
    : await heardBefore(deps, scene.heard)
  const tickets = await ticketsAt(deps, linked)
  const opened: TaskEvent = {
    type: 'task.opened',
    id: deps.newId(),
    conversationId: scene.conversationId,
    workflow: workflow.name,
    origin: {
      ...origin,
      ...issueOf(issue),
      ...(pull ? { pull: { base: pull.base, ...(mends(way) ? { head: pull.head } : {}) } } : {}),
      ...(tickets.length > 0 ? { tickets: tickets.map(quoted) } : {}),
      ...(thread.length > 0 ? { thread } : {}),
    },
    settings: loaded.settings,
    forcePlanGate:
      command.verb === 'plan' ||
      !trusted ||
      thread.some(({ authority }) => authority !== 'may write') ||
      !(await writtenByTeam(deps, scene, tickets)),
    ...(linked.length > 0 ? { linked } : {}),
    ...(scene.task?.reviews && way.subject.isPullRequest ? { reviews: scene.task.reviews } : {}),
  }
  const by = { id: scene.heard.sender.id, login: scene.heard.sender.login }
  const release: TaskEvent[] =
    command.verb === 'deploy' || command.verb === 'rollback' || command.verb === 'bisect'
      ? [
          {
            type: 'release.requested',
            environment: command.environment,
            ref: command.verb === 'bisect' ? undefined : command.ref,
            by,
            ...(command.verb === 'rollback' ? { goesBack: true } : {}),
            ...boundsOf(command),
            ...(command.verb === 'deploy' && command.awaits ? { awaits: command.awaits } : {}),
          },
        ]
      : []
  const target: ReactsTo =
    way.commentId === undefined ? { on: 'issue', number: way.subject.number } : { on: 'comment', id: way.commentId }
  const { task } = await deps.workflow.open(
    [opened, ...release],
    { outcome: 'accepted', reason: 'started', detail: `the work began (${way.trigger})` },
    personActor(by),
    { ...inboundOf(scene), beside: () => [acknowledgement(scene, target)] },
  )
  deps.log('info', 'task opened', { task: task.id, trigger: way.trigger })
}

interface Elsewhere {
  readonly linked: readonly Surface[]
  readonly issue: Extract<Found, { on: 'github' }> | undefined
}
const NOWHERE_ELSE: Elsewhere = { linked: [], issue: undefined }

/** The places that the request itself names; from now on they belong to this conversation. */
async function otherPlaces(
  deps: InboxDeps,
  { heard, conversationId }: Scene,
  { subject, command }: Opening,
): Promise<Elsewhere> {
  const { repository, elsewhere, key } = heard
  const text = [subject.title, subject.body, 'text' in command ? command.text : ''].join('\n')
  const linked: Surface[] = []
  for (const one of await namedTickets(deps, text, repository))
    if (surfaceKey(one) !== key && (await deps.store.conversations.link(surfaceKey(one), conversationId)))
      linked.push(one)
  // A ticket may be about an issue that is there: its web links say so.
  const links = elsewhere ? await linksOn(deps, elsewhere.surface) : []
  const named = elsewhere ? await namedIssue(deps, [text, ...links].join('\n'), repository) : undefined
  const issue = named && (await deps.store.conversations.link(keyOf(named), conversationId)) ? named : undefined
  return { linked, issue }
}

async function linksOn(deps: InboxDeps, surface: Surface): Promise<readonly string[]> {
  return (await deps.facts[surface.channel]?.links?.(surface).catch(() => [])) ?? []
}

/** A ticket that a request names. */
interface Named {
  readonly surface: Surface
  readonly ticket: Ticket
}

/** What the tickets say that the request names: whoever plans the work reads it with the request. */
async function ticketsAt(deps: InboxDeps, surfaces: readonly Surface[]): Promise<Named[]> {
  const found: Named[] = []
  for (const surface of surfaces.filter(isTicket)) {
    // What cannot be read now is not waited for: its link stands in the request.
    const ticket = await deps.facts[surface.channel]?.ticket(surface).catch(() => undefined)
    if (ticket) found.push({ surface, ticket })
  }
  return found
}

function quoted({ ticket: { title, body, url } }: Named): string {
  return `${url}\n\n${title}\n\n${body}`
}

/** Whether everybody whose words were fetched may write to the repository. */
async function writtenByTeam(deps: InboxDeps, { heard }: Scene, tickets: readonly Named[]): Promise<boolean> {
  const { repository } = heard
  for (const { surface, ticket } of tickets) {
    if (!(await mayWriteAs(deps, repository, ticket.author))) return false
    if (!(await changedByTeam(deps, repository, surface, []))) return false
  }
  return true
}

/** What others have put into the ticket that was handed over are their words. */
async function unchangedByOthers(deps: InboxDeps, { heard: { elsewhere, repository } }: Scene): Promise<boolean> {
  if (!elsewhere || !isTicket(elsewhere.surface)) return true
  return changedByTeam(deps, repository, elsewhere.surface, [elsewhere.member])
}

/** Asked for elsewhere, about an issue that is there already: the work is that issue's. */
function issueOf(issue: Elsewhere['issue']): Partial<Origin> {
  return issue ? { number: issue.number, url: issue.url, opensIssue: false } : {}
}

/** The words of somebody who may not write reach a model: then a person looks at the plan, whatever the model calls the risk. */
async function authorMayWrite(deps: InboxDeps, { heard }: Scene, { subject }: Opening): Promise<boolean> {
  return (
    (subject.author.id === heard.sender.id && heard.sender.id !== 0) ||
    deps.platform.canWrite(heard.repository, subject.author)
  )
}

function workflowOf({ command }: Pick<Opening, 'command'>): WorkflowDefinition {
  const workflow = openedBy(command.verb)
  if (!workflow) throw new Error(`${command.verb} begins no work`)
  return workflow
}

/** Between which commits something is looked for. */
function boundsOf(command: Command): { readonly bisect?: Bisect } {
  if (command.verb !== 'bisect' || !command.good || !command.bad) return {}
  return { bisect: bisectFrom(command.good, command.bad, 1) }
}

/** What this version cannot do is said at once. */
function refusalOf({ command, subject }: Opening, settings: RepositorySettings): string | undefined {
  if (command.verb === 'bisect' && command.good === undefined) return nothingWorse(command.environment, settings)
  if (command.verb === 'deploy' || command.verb === 'rollback' || command.verb === 'bisect')
    return unknownEnvironment(settings, command.environment)
  const { worksOn = ['issue'] } = workflowOf({ command })
  const isPossible = worksOn.includes(subject.isPullRequest ? 'pull_request' : 'issue')
  if (isPossible && (!subject.isPullRequest || !isChange({ command }) || command.verb === 'fix')) return undefined
  return subject.isPullRequest
    ? "Muster works on issues and on its own pull requests; it cannot take over somebody else's. `review`, `fix` and `ask` work here."
    : `\`${command.verb}\` works on a pull request: say it there.`
}

/** Whether what comes of it is a change. */
function isChange(way: Pick<Opening, 'command'>): boolean {
  const { isQuestion, again } = workflowOf(way)
  return !isQuestion && again === undefined
}

/** Whether somebody's pull request is to be mended: by one of Muster's own, into its branch. */
function mends(way: Opening): boolean {
  return way.subject.isPullRequest && way.command.verb === 'fix'
}

function refusalOfPull(way: Opening, pull: { readonly isOpen: boolean; readonly isFork: boolean }): string | undefined {
  if (!pull.isOpen && !workflowOf(way).isQuestion) return 'This pull request is not open any more.'
  return mends(way) && pull.isFork
    ? 'This pull request comes from a fork, where I may not write. `review` says here what is wrong, with suggestions to take over.'
    : undefined
}

/** Whether the ref that a command names is there; undefined where it names none. */
export async function isKnownRef(
  { platform }: InboxDeps,
  repository: Repository,
  command: Command,
): Promise<boolean | undefined> {
  if (command.verb === 'bisect' && command.good && command.bad)
    return (await platform.hasCommit(repository, command.good)) && platform.hasCommit(repository, command.bad)
  return command.verb === 'deploy' && command.ref !== undefined
    ? platform.hasCommit(repository, command.ref)
    : undefined
}

async function refusalOfRef(deps: InboxDeps, repository: Repository, command: Command): Promise<string | undefined> {
  const isKnown = await isKnownRef(deps, repository, command)
  if (isKnown === false && command.verb === 'bisect') return unknownBounds(command.good ?? '', command.bad)
  return isKnown === false && command.verb === 'deploy' ? unknownRef(repository, command.ref ?? '') : undefined
}

/** The webhook's own text is what counts: later edits change nothing. */
async function originOf(
  deps: InboxDeps,
  { heard }: Pick<Scene, 'heard'>,
  { subject, trigger, command }: Opening,
  nth: number,
): Promise<Origin> {
  const { sender, repository, elsewhere } = heard
  const surface = elsewhere?.surface
  const named = (text: string) => withNames(deps, heard, text)
  const request = await named('text' in command ? command.text : '')
  const url = surface && (elsewhere.url || (await deps.facts[surface.channel]?.permalink(surface, elsewhere.messageId)))
  return {
    repository,
    number: subject.number,
    isPullRequest: subject.isPullRequest,
    title: await named(subject.title),
    body: await named(subject.body),
    author: subject.author,
    requester: { id: sender.id, login: sender.login },
    trigger: surface ? (isTicket(surface) ? 'ticket' : 'message') : trigger,
    nth,
    request,
    ...(Number.isFinite(heard.writtenAt) && heard.kind !== 'task.start' ? { askedAt: heard.writtenAt } : {}),
    url: url ?? subject.url,
    // In a chat there is no place where the work could be followed later; a ticket is one, and a question needs none.
    ...(surface
      ? {
          surface: { ...surface, url },
          ...(channelTraits(surface.channel).signs && elsewhere.messageId ? { messageId: elsewhere.messageId } : {}),
          opensIssue: !isTicket(surface) && !workflowOf({ command }).isQuestion,
        }
      : {}),
  }
}
