import type { Command } from '../core/command.ts'
import { invalidReply, noteReply } from '../core/reply/answers.ts'
import { surfaceLink } from '../core/said.ts'
import type { SurfaceCommand } from '../core/task/commands.ts'
import type { Person, Task } from '../core/task/types.ts'
import { type Found, keyOf, placeAt } from './places.ts'
import { answer, decideOnly, reply } from './replies.ts'
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
  if (!scene.task && otherTask) return joinOther(deps, scene, otherTask)
  if (!(await conversations.link(keyOf(found), scene.conversationId)))
    return refuse(
      deps,
      scene,
      'has_own_task',
      'There is other work under way in that place. `unlink` there first, or let it end.',
    )
  if (scene.task) return applyLink(deps, scene, scene.task, linkCommand(scene, found))
  await reply(deps, scene, noteReply(`Linked: ${nameOf(found)}.`))
  await decideOnly(deps, scene, { outcome: 'accepted', reason: 'linked', detail: keyOf(found) })
}

/** There is work at the other place, and none here: this place joins it. */
async function joinOther(deps: InboxDeps, scene: Scene, task: Task): Promise<void> {
  const { sender, elsewhere, repository } = scene.heard
  const isSame = task.origin.repository.id === repository.id
  if (!isSame && !(await deps.platform.canWrite(task.origin.repository, sender)))
    return refuse(deps, scene, 'permission', 'Only people with write permission on that repository can link its work.')
  if (!(await deps.store.conversations.link(scene.heard.key, task.conversationId)))
    return refuse(deps, scene, 'has_own_task', 'There is other work under way here.')
  const by = byOf(scene)
  const number = Number(scene.heard.key.split('#')[1])
  const command: SurfaceCommand = elsewhere
    ? { type: 'surface.link', surface: { ...elsewhere.surface, url: elsewhere.url || elsewhere.surface.url }, by }
    : { type: 'issue.link', number, url: subjectUrl(scene), by }
  return applyLink(deps, scene, task, command)
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

function nameOf(found: Found): string {
  return found.on === 'github' ? `[#${found.number}](${found.url})` : surfaceLink(found.surface)
}

async function unlink(deps: InboxDeps, scene: Scene, found: Found): Promise<void> {
  const { task, conversationId } = scene
  if (found.on === 'github')
    return refuse(
      deps,
      scene,
      'not_possible',
      'An issue on GitHub stays with its work; only other places can be unlinked.',
    )
  if (!task) {
    await deps.store.conversations.unlink(keyOf(found), conversationId)
    await reply(deps, scene, noteReply(`Unlinked: ${nameOf(found)}.`))
    return decideOnly(deps, scene, { outcome: 'accepted', reason: 'unlinked', detail: keyOf(found) })
  }
  await applyLink(deps, scene, task, { type: 'surface.unlink', surface: found.surface, by: byOf(scene) })
}

async function applyLink(deps: InboxDeps, scene: Scene, task: Task, command: SurfaceCommand): Promise<void> {
  await deps.workflow.apply(task.id, command, {
    ...inboundOf(scene),
    beside: ({ reply: said }) => (said ? [answer(scene, said)] : []),
  })
}
