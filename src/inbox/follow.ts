import { isTicket, memberKey, surfaceKey, channelTraits } from '../core/said.ts'
import type { Command } from '../core/command.ts'
import type { Heard, SaidElsewhere } from '../core/heard.ts'
import { mayCommand, readsSettings } from '../core/commands/registry.ts'
import { limitedReply, linkOffer, noteReply } from '../core/reply/answers.ts'
import type { Document } from '../core/reply/document.ts'
import type { Route } from '../core/routing.ts'
import type { EffectIntent } from '../core/effects.ts'
import { mayAnswer } from '../core/task/asked.ts'
import { decideAlone } from '../core/deciding/alone.ts'
import { isOpen } from '../core/deciding/deploys.ts'
import { OPEN_POLICY, teamsIn } from '../core/environments/gates.ts'
import type { RepositorySettings } from '../core/settings.ts'
import type { Standing } from '../core/standing.ts'
import type { Decided, Decision, PersonCommand, TaskCommand } from '../core/deciding/commands.ts'
import type { Whence } from '../core/task/types.ts'
import { OFFER_MS } from '../people/types.ts'
import { crashPoint } from '../telemetry/crash.ts'
import { LIMITED } from './aside.ts'
import { mayAskOnly, mayWrite } from './authority.ts'
import { closing } from './closed.ts'
import { withNames } from './conversation.ts'
import { changeLinks } from './linking.ts'
import { changeEnvironment } from './environments.ts'
import { isKnownRef, openTask } from './open.ts'
import { PERSON } from './rate.ts'
import { acknowledgement, answer, decideOnly, reply, settingsInvalid, whisper, whisperTo } from './replies.ts'
import { inboundOf, type InboxDeps, type Scene } from './scene.ts'
import { why } from './why.ts'

const UNHEARD =
  'This was handed to me while I was not listening, and I am not told by whom. Please say `@muster build` if it is still wanted.'

/** Goes where a route leads, if whoever said it may. */
export async function follow(deps: InboxDeps, scene: Scene, way: Exclude<Route, { to: 'ignore' }>): Promise<void> {
  const { heard } = scene
  if (way.to === 'task') {
    if (way.wantsWrite && !(await mayWrite(deps, heard)))
      return decideOnly(deps, scene, {
        outcome: 'refused',
        reason: 'permission',
        detail: 'the author may not write to the repository',
      })
    const told = await toldOf(deps, scene, way.command)
    return 'outcome' in told ? decideOnly(deps, scene, told) : apply(deps, scene, told, undefined)
  }
  const { command, commentId } = way
  const { elsewhere, sender } = heard
  if (await isAskedAlready(deps, heard, command))
    return decideOnly(deps, scene, {
      outcome: 'ignored',
      reason: 'asked_already',
      detail: 'that commit has its turn there, or waits for it',
    })
  if (command.verb === 'note' && !(await mayWrite(deps, heard)))
    return decideOnly(deps, scene, {
      outcome: 'ignored',
      reason: 'bystander',
      detail: 'spoke of Muster, and may not ask for anything',
    })
  const allowance = await deps.mayAsk(
    elsewhere && !elsewhere.isLinked ? memberKey(elsewhere.member) : `github:${sender.id}`,
  )
  if (allowance !== 'yes') return tooMany(deps, scene, allowance)
  const canWrite = await mayWrite(deps, heard)
  const mayAnyway =
    mayAnswer(scene.task, heard.sender, command.verb) || (!canWrite && (await mayAskOnly(deps, heard, command.verb)))
  const ruling = mayCommand(command.verb, canWrite || mayAnyway)
  if (!ruling.ok) return refuse(deps, scene, ruling.detail, way.to === 'open')
  if (way.to === 'open') return openTask(deps, scene, way)
  if (scene.task && (await isForeign(deps, scene))) return refuseForeign(deps, scene)
  if (command.verb === 'link' || command.verb === 'unlink') return changeLinks(deps, scene, command)
  if (command.verb === 'lock' || command.verb === 'unlock')
    return changeEnvironment(deps, scene, command, whenceOf(scene, commentId))
  if (command.verb === 'why') return why(deps, scene, commentId)
  if (!scene.task) return withoutTask(deps, scene, way)
  // What goes on with the repository's settings goes on with those of now.
  const loaded = readsSettings(command.verb) ? await deps.settings.load(heard.repository, true) : scene.loaded
  if (!loaded.ok) return settingsInvalid(deps, scene, loaded)
  const said: PersonCommand = {
    type: 'person',
    command: await commandWithNames(deps, heard, command),
    by: { id: heard.sender.id, login: heard.sender.login },
    canWrite,
    receivedAt: scene.receivedAt,
    writtenAt: heard.writtenAt,
    commentId,
    from: whenceOf(scene, commentId),
    isOnPull: 'subject' in heard.what && heard.what.subject.isPullRequest,
    settings: loaded.settings,
    isKnownRef: await isKnownRef(deps, heard.repository, command),
    standing: await standingOf(deps, scene, command, loaded.settings),
  }
  await apply(deps, scene, said, commentId)
}

/** A run that waits for what somebody has asked for: it is that release's. */
async function isAskedAlready(deps: InboxDeps, { what, repository }: Heard, command: Command): Promise<boolean> {
  if (what.type !== 'awaited' || command.verb !== 'deploy') return false
  const state = await deps.environments.get({ repository, name: command.environment })
  return [state?.holder, ...(state?.queue ?? [])].some((one) => one?.sha === what.sha)
}

/** What somebody is who approves a deploy, or has one taken back, where more than write permission is wanted of them. */
async function standingOf(
  deps: InboxDeps,
  { heard, task }: Scene,
  { verb }: Command,
  { environments }: RepositorySettings,
): Promise<Standing | undefined> {
  const { plan } = task?.releases.at(-1) ?? {}
  const { approvers = [], environment = '' } = plan ?? {}
  const { deployers } = environments[environment]?.policy ?? OPEN_POLICY
  const who = verb === 'approve' ? approvers : verb === 'rollback' ? deployers : []
  if (who.length === 0 || isOpen(who)) return undefined
  const { id, login } = heard.sender
  return deps.platform.standing(heard.repository, { id, login }, teamsIn(who))
}

/** A fact with what has to be asked about it before it is decided on. */
async function toldOf(deps: InboxDeps, scene: Scene, command: TaskCommand): Promise<TaskCommand | Decision> {
  if (command.type === 'issue.closed') return closing(deps, scene, command)
  const { task, heard } = scene
  if (command.type !== 'check.failed' || task?.headSha !== command.headSha) return command
  return { ...command, ...(await deps.platform.moreOfCheck(heard.repository, command, task.baseSha)) }
}

/** What people read later says who is meant. */
async function commandWithNames(deps: InboxDeps, heard: Heard, command: Command): Promise<Command> {
  return 'text' in command ? { ...command, text: await withNames(deps, heard, command.text) } : command
}

/** Where something was said, as people on other surfaces are told. */
function whenceOf({ heard, task }: Scene, commentId: number | undefined): Whence {
  const { elsewhere, what } = heard
  if (elsewhere) {
    const key = surfaceKey(elsewhere.surface)
    const known = task?.surfaces?.find((one) => surfaceKey(one) === key)?.url
    return { channel: elsewhere.surface.channel, url: elsewhere.url || known }
  }
  const url = 'subject' in what ? what.subject.url : task?.origin.url
  return { channel: 'github', url: url && commentId !== undefined ? `${url}#issuecomment-${commentId}` : url }
}

/** Words that somebody handed over, by an author who could not have said them to this work. */
async function isForeign({ platform }: InboxDeps, { heard }: Scene): Promise<boolean> {
  if (heard.what.type !== 'text' || !heard.what.handed) return false
  const { author } = heard.what.subject
  return author.id !== heard.sender.id && !(author.id !== 0 && (await platform.canWrite(heard.repository, author)))
}

async function refuseForeign(deps: InboxDeps, scene: Scene): Promise<void> {
  await whisperOrReply(
    deps,
    scene,
    noteReply(
      'Whoever wrote that may not change this work, so nothing was done. Say in your own words what should be done.',
    ),
  )
  return decideOnly(deps, scene, {
    outcome: 'refused',
    reason: 'not_author',
    detail: 'the words that were handed over are by somebody who may not write to the repository',
  })
}

/** Told once, at the first command too many; and only once that is decided, so that nobody is told and then heard after all. */
async function tooMany(deps: InboxDeps, scene: Scene, allowance: 'told' | 'no'): Promise<void> {
  await decideOnly(deps, scene, LIMITED)
  if (allowance === 'no') return
  return whisperOrReply(deps, scene, limitedReply(PERSON))
}

function whisperOrReply(deps: InboxDeps, scene: Scene, document: Document): Promise<void> {
  return scene.heard.elsewhere ? whisper(deps, scene, document) : reply(deps, scene, document)
}

async function apply(
  deps: InboxDeps,
  scene: Scene,
  command: TaskCommand,
  commentId: number | undefined,
): Promise<void> {
  if (!scene.task) return
  const outcome = await deps.workflow.apply(scene.task.id, command, {
    ...inboundOf(scene),
    beside: (decided) =>
      command.type === 'issue.closed' ? toldOnce(scene, decided) : spoken(scene, decided, commentId),
  })
  if (outcome.events.some((event) => event.type === 'gate.approved')) crashPoint('approval-consumed')
  const { outcome: what, reason } = outcome.decision
  deps.log('info', 'decided', { outcome: what, reason, task: outcome.task.id })
}

/** However often an issue is closed and opened again. */
function toldOnce(scene: Scene, { reply: said }: Decided): EffectIntent[] {
  return said ? [{ ...answer(scene, said), key: `closed:${scene.task?.id ?? ''}` }] : []
}

/** What the author of a comment sees of its outcome at once; to a press on GitHub's own page the card answers. */
function spoken(scene: Scene, { decision, reply: said }: Decided, commentId: number | undefined): EffectIntent[] {
  // Nobody looks at what waits on GitHub until it has waited for long.
  if (scene.heard.what.type === 'awaited') return decision.outcome === 'refused' && said ? [answer(scene, said)] : []
  if (commentId === undefined && !scene.heard.elsewhere) return []
  const isAlone = decision.outcome === 'refused' && isPress(scene)
  const says = said ? [isAlone ? whisperTo(scene, said) : answer(scene, said)] : []
  return [...signOf(scene, decision, commentId), ...says.flatMap((one) => one ?? [])]
}

/** A press on a button: what came of it in vain concerns nobody else. */
function isPress({ heard: { elsewhere } }: Scene): boolean {
  return elsewhere !== undefined && channelTraits(elsewhere.surface.channel).buttons && elsewhere.messageId === ''
}

/** What was decided is done; what was refused wants a look. */
function signOf(scene: Scene, { outcome }: Decision, commentId: number | undefined): EffectIntent[] {
  const target = { on: 'comment', id: commentId ?? 0 } as const
  if (outcome === 'accepted') return [acknowledgement(scene, target, 'done')]
  return outcome === 'refused' && scene.heard.elsewhere ? [acknowledgement(scene, target, 'warning')] : []
}

/** One polite refusal for each conversation; further ones are only recorded. Whoever is not known yet is told how to change that. */
async function refuse(deps: InboxDeps, scene: Scene, detail: string, isRequest: boolean): Promise<void> {
  const { elsewhere } = scene.heard
  if (elsewhere?.member.id === '') {
    await reply(deps, scene, noteReply(UNHEARD))
    return decideOnly(deps, scene, {
      outcome: 'refused',
      reason: 'unknown_author',
      detail: 'nobody says who asked for it',
    })
  }
  if (elsewhere && !elsewhere.isLinked && !elsewhere.member.isStranger) {
    return signInFirst(deps, scene, elsewhere, detail, isRequest)
  }
  const { login } = scene.heard.sender
  const document = noteReply(`Sorry${login ? ` ${login}` : ''}, ${detail}. A maintainer can take it from here.`)
  // Where it can be told to them alone, everybody is told each time.
  if (isRequest || !elsewhere || isTicket(elsewhere.surface)) await reply(deps, scene, document, 'refusal')
  else await whisper(deps, scene, document)
  await decideOnly(deps, scene, { outcome: 'refused', reason: 'permission', detail })
}

/** Somebody who is not known yet: a request is kept until they have signed in, a decision never. */
async function signInFirst(
  deps: InboxDeps,
  scene: Scene,
  { member, surface }: SaidElsewhere,
  detail: string,
  isRequest: boolean,
): Promise<void> {
  const isPrivate = channelTraits(surface.channel).whispers
  const { people } = deps.store
  const code = await people.offer(member, isPrivate ? OFFER_MS.private : OFFER_MS.seen)
  if (isRequest) await people.keep(member, scene.eventId, scene.only ?? scene.part.nth)
  // Signed in meanwhile: what was kept too late goes on at once.
  if (isRequest && (await people.personOf(member))) await people.resume(member)
  await whisper(deps, scene, linkOffer(deps.linkUrl(code), isPrivate, isRequest))
  return decideOnly(
    deps,
    scene,
    isRequest
      ? { outcome: 'deferred', reason: 'waits_for_sign_in', detail: 'it goes on once its author has signed in' }
      : { outcome: 'refused', reason: 'not_linked', detail },
  )
}

/** Commands that make no sense without a task, and those that always do. */
async function withoutTask(deps: InboxDeps, scene: Scene, way: Extract<Route, { to: 'person' }>): Promise<void> {
  const name = scene.loaded.ok ? scene.loaded.settings.mention : 'muster'
  const { document, decision, once } = decideAlone(way.command, name)
  await reply(deps, scene, document, once)
  await decideOnly(deps, scene, decision)
}
