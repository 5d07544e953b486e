import type { Target } from '../core/effects.ts'
import { noteReply } from '../core/reply/answers.ts'
import type { Route } from '../core/routing.ts'
import { personActor } from '../core/task/actor.ts'
import type { Origin, TaskEvent, WorkflowName } from '../core/task/types.ts'
import { acknowledgement, reply, settingsInvalid } from './replies.ts'
import { inboundOf, type InboxDeps, type Scene } from './scene.ts'

type Opening = Extract<Route, { to: 'open' }>

/** Starts a task from an event whose author may do so. */
export async function openTask(deps: InboxDeps, scene: Scene, way: Opening): Promise<void> {
  const loaded = await deps.settings.load(scene.heard.repository, true)
  if (!loaded.ok) return settingsInvalid(deps, scene, loaded)
  const refusal = refusalOf(way, loaded.settings.environments)
  if (refusal) {
    await reply(deps, scene, noteReply(refusal))
    return deps.store.inbox.decide(
      scene.eventId,
      { outcome: 'refused', reason: 'not_possible', detail: refusal },
      { conversationId: scene.conversationId, kind: scene.heard.kind },
    )
  }
  const { command } = way
  const nth = (await deps.store.tasks.count(scene.conversationId)) + 1
  const opened: TaskEvent = {
    type: 'task.opened',
    id: deps.newId(),
    conversationId: scene.conversationId,
    workflow: workflowOf(way),
    origin: await originOf(deps, scene, way, nth),
    settings: loaded.settings,
    forcePlanGate: command.verb === 'plan' || !(await authorMayWrite(deps, scene, way)),
  }
  const by = { id: scene.heard.sender.id, login: scene.heard.sender.login }
  const release: TaskEvent[] =
    command.verb === 'deploy'
      ? [{ type: 'release.requested', environment: command.environment, ref: command.ref, by }]
      : []
  const target: Target =
    way.commentId === undefined ? { on: 'issue', number: way.subject.number } : { on: 'comment', id: way.commentId }
  const { task } = await deps.workflow.open(
    [opened, ...release],
    { outcome: 'accepted', reason: 'started', detail: way.trigger },
    personActor(by),
    { ...inboundOf(scene), beside: () => [acknowledgement(scene, target)] },
  )
  deps.log('info', 'task opened', { task: task.id, trigger: way.trigger })
}

/** The words of somebody who may not write reach a model: then a person looks at the plan, whatever the model calls the risk (security.md, rule 4). */
async function authorMayWrite(deps: InboxDeps, { heard }: Scene, { subject }: Opening): Promise<boolean> {
  return (
    (subject.author.id === heard.sender.id && heard.sender.id !== 0) ||
    deps.platform.canWrite(heard.repository, subject.author)
  )
}

function workflowOf({ command }: Opening): WorkflowName {
  return command.verb === 'ask' ? 'question' : command.verb === 'deploy' ? 'deploy' : 'change'
}

/** What this version cannot do is said at once. */
function refusalOf({ command, subject }: Opening, environments: Readonly<Record<string, unknown>>): string | undefined {
  if (command.verb === 'deploy') {
    const known = Object.keys(environments)
    if (environments[command.environment]) return undefined
    return known.length > 0
      ? `There is no environment \`${command.environment}\`; there are: ${known.join(', ')}.`
      : 'No environment is set up: add one under `environments` in `.github/muster.yml`.'
  }
  return subject.isPullRequest && command.verb !== 'ask'
    ? "In this version Muster works on issues and on its own pull requests; it cannot take over somebody else's. `ask` works here."
    : undefined
}

/** The webhook's own text is what counts: later edits change nothing. */
async function originOf(
  deps: InboxDeps,
  { heard }: Scene,
  { subject, trigger, command }: Opening,
  nth: number,
): Promise<Origin> {
  const { sender, repository, elsewhere } = heard
  const surface = elsewhere?.surface
  const request = 'text' in command ? command.text : ''
  return {
    repository,
    number: subject.number,
    isPullRequest: subject.isPullRequest,
    title: subject.title,
    body: subject.body,
    author: subject.author,
    requester: { id: sender.id, login: sender.login },
    trigger: surface ? (surface.channel === 'slack' ? 'message' : 'ticket') : trigger,
    nth,
    request,
    url: surface ? ((await deps.facts[surface.channel]?.permalink(surface, elsewhere.messageId)) ?? '') : subject.url,
    // In a chat there is no place where the work could be followed later; a ticket is one, and a question needs none.
    ...(surface ? { surface, opensIssue: surface.channel === 'slack' && command.verb !== 'ask' } : {}),
  }
}
