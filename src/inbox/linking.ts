import type { Command } from '../core/command.ts'
import { invalidReply, noteReply } from '../core/reply/answers.ts'
import { isAside } from '../core/said.ts'
import type { Decided, SurfaceCommand } from '../core/deciding/commands.ts'
import { isActive } from '../core/task/steps.ts'
import type { Person, Task } from '../core/task/types.ts'
import { type Found, keyOf, placeAt } from './places.ts'
import { answer, decideOnly, numberOf, reply } from './replies.ts'
import { inboundOf, type InboxDeps, type Scene } from './scene.ts'

type Linking = Extract<Command, { verb: 'link' | 'unlink' }>

/** `link <url>` and `unlink [<url>]`, by somebody who may write to the repository. */
export async function changeLinks(deps: InboxDeps, scene: Scene, command: Linking): Promise<void> {
  const found = command.url ? await placeAt(deps, command.url) : here(scene)
  if (!found) return refuse(deps, scene, 'no_such_place', nowhere(command))
  return command.verb === 'link' ? link(deps, scene, found) : unlink(deps, scene, found)
}

function here({ heard: { elsewhere } }: Scene): Found | undefined {
  return elsewhere && { on: 'surface', surface: elsewhere.surface }
}

function nowhere({ verb, url }: Linking): string {
  return url
    ? 'That address leads to no place that I can see: a Slack thread, a Jira or ClickUp ticket, or an issue on GitHub.'
    : `An issue on GitHub stays what it is. To unlink another place, name it: \`${verb} https://…\`.`
}

async function refuse(deps: InboxDeps, scene: Scene, reason: string, detail: string): Promise<void> {
  await reply(deps, scene, reason === 'no_such_place' ? invalidReply(detail) : noteReply(detail))
  await decideOnly(deps, scene, { outcome: 'refused', reason, detail })
}

async function link(deps: InboxDeps, scene: Scene, found: Found): Promise<void> {
  const { conversations, tasks } = deps.store
  const other = await conversations.find(keyOf(found))
  const otherTask = other && other !== scene.conversationId ? await tasks.latest(other) : undefined
  const { task } = scene
  const wrong = misfit(scene, found, task ?? otherTask)
  if (wrong) return refuse(deps, scene, wrong.reason, wrong.detail)
  if (!task && otherTask) return joinOther(deps, scene, otherTask)
  if (!task)
    return refuse(
      deps,
      scene,
      'no_task',
      'There is no work here yet. Name the place in the request itself, and it belongs to it from the start.',
    )
  if (otherTask && isActive(otherTask)) return refuse(deps, scene, 'has_own_task', OTHER_WORK)
  const { decision } = await applyLink(deps, scene, task, linkCommand(scene, found))
  // What was held there before has ended; from now on this is.
  if (decision.outcome === 'accepted') await conversations.link(keyOf(found), task.conversationId)
}

const OTHER_WORK = 'There is other work under way in that place. `unlink` there first, or let it end.'

/** What may not be linked, whoever asks: authority over an issue is its own repository's. */
function misfit(
  { heard }: Scene,
  found: Found,
  task: Task | undefined,
): { reason: string; detail: string } | undefined {
  if (heard.elsewhere && isAside(heard.elsewhere.surface))
    return { reason: 'no_place', detail: 'This is said in no thread. Say it in the thread that is meant.' }
  const repository = task?.origin.repository ?? heard.repository
  const elsewhere = found.on === 'github' && found.repository.id !== repository.id
  if (elsewhere || (!heard.elsewhere && task && task.origin.repository.id !== heard.repository.id))
    return { reason: 'other_repository', detail: 'An issue can only be linked to work on its own repository.' }
  if (found.on === 'github' && found.isPullRequest)
    return { reason: 'not_possible', detail: 'A pull request cannot be linked; name the issue that it is for.' }
  return undefined
}

/** There is work at the other place, and none here: this place joins it. */
async function joinOther(deps: InboxDeps, scene: Scene, task: Task): Promise<void> {
  const { sender, elsewhere, key } = scene.heard
  if (!(await deps.platform.canWrite(task.origin.repository, sender)))
    return refuse(deps, scene, 'permission', 'Only people with write permission on that repository can link its work.')
  const by = byOf(scene)
  const command: SurfaceCommand = elsewhere
    ? { type: 'surface.link', surface: { ...elsewhere.surface, url: elsewhere.url || elsewhere.surface.url }, by }
    : { type: 'issue.link', number: numberOf(key), url: subjectUrl(scene), by }
  const { decision } = await applyLink(deps, scene, task, command)
  if (decision.outcome === 'accepted') await deps.store.conversations.link(key, task.conversationId)
}

function subjectUrl({ heard: { what } }: Scene): string {
  return 'subject' in what ? what.subject.url : ''
}

function byOf({ heard: { sender } }: Scene): Person {
  return { id: sender.id, login: sender.login }
}

function linkCommand(scene: Scene, found: Found): SurfaceCommand {
  const by = byOf(scene)
  return found.on === 'github'
    ? { type: 'issue.link', number: found.number, url: found.url, by }
    : { type: 'surface.link', surface: found.surface, by }
}

async function unlink(deps: InboxDeps, scene: Scene, found: Found): Promise<void> {
  const { task } = scene
  if (found.on === 'github')
    return refuse(
      deps,
      scene,
      'not_possible',
      'An issue on GitHub stays with its work; only other places can be unlinked.',
    )
  if (!task) return refuse(deps, scene, 'no_task', 'There is no work here, so nothing is linked.')
  await applyLink(deps, scene, task, { type: 'surface.unlink', surface: found.surface, by: byOf(scene) })
}

async function applyLink(deps: InboxDeps, scene: Scene, task: Task, command: SurfaceCommand): Promise<Decided> {
  return deps.workflow.apply(task.id, command, {
    ...inboundOf(scene),
    beside: ({ reply: said }) => (said ? [answer(scene, said)] : []),
  })
}
