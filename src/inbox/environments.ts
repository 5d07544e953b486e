import type { CommandOf } from '../core/command.ts'
import { unknownEnvironment } from '../core/deciding/deploys.ts'
import type { EnvironmentOutcome } from '../core/environments/decide.ts'
import type { EnvironmentState } from '../core/environments/types.ts'
import { invalidReply } from '../core/reply/answers.ts'
import { clockTime, type Own, say } from '../core/reply/document.ts'
import { doraReply, environmentReply } from '../core/reply/environment.ts'
import type { Whence } from '../core/task/types.ts'
import { decideOnly, reply, settingsInvalid } from './replies.ts'
import type { InboxDeps, Scene } from './scene.ts'

/** `lock <env> [reason]`, `unlock <env>` and `lock <env> --info`, by somebody who may write to the repository; with or without a task. */
export async function changeEnvironment(
  deps: InboxDeps,
  scene: Scene,
  command: CommandOf<'lock' | 'unlock'>,
  from: Whence,
): Promise<void> {
  const { repository, sender } = scene.heard
  const loaded = await deps.settings.load(repository, true)
  if (!loaded.ok) return settingsInvalid(deps, scene, loaded)
  const { environment: name, text } = command
  const unknown = unknownEnvironment(loaded.settings, name)
  if (unknown) {
    await reply(deps, scene, invalidReply(unknown))
    return decideOnly(deps, scene, { outcome: 'refused', reason: 'unknown_environment', detail: unknown })
  }
  const where = { repository, name }
  const me = loaded.settings.mention
  if (command.verb === 'lock' && isInfo(text)) {
    const [state, dora] = [await deps.environments.get(where), await deps.environments.dora(where)]
    await reply(deps, scene, [...environmentReply(name, state, me), ...doraReply(dora)])
    return decideOnly(deps, scene, { outcome: 'accepted', reason: 'environment_told', detail: name })
  }
  const by = { id: sender.id, login: sender.login }
  const said = text.replaceAll('`', '').split(/\s+/)
  const words = said.filter((word) => word !== '' && !POLITE.test(word)).join(' ')
  const sha = /^[\da-f]{7,64}$/i.exec(words)?.[0].toLowerCase()
  if (command.verb === 'unlock' && words !== '' && sha === undefined) {
    await reply(deps, scene, invalidReply(UNLOCKS))
    return decideOnly(deps, scene, { outcome: 'refused', reason: 'bad_argument', detail: UNLOCKS })
  }
  if (command.verb === 'unlock' && sha !== undefined) {
    const { reason, state } = await deps.environments.apply(where, { type: 'lift', sha, by, from })
    const isLifted = reason === 'lifted'
    const done = isLifted ? LIFTED : say`Nothing that begins with ${sha.slice(0, 12)} is kept out of ${name}.`
    await reply(deps, scene, environmentReply(name, state, me, done))
    return decideOnly(deps, scene, { outcome: isLifted ? 'accepted' : 'refused', reason, detail: `${name} ${sha}` })
  }
  const lifted = (await deps.environments.get(where))?.lock
  const outcome =
    command.verb === 'lock'
      ? await deps.environments.apply(where, { type: 'lock', by, reason: text, from })
      : await deps.environments.apply(where, { type: 'unlock', by, from })
  await reply(deps, scene, environmentReply(name, outcome.state, me, doneText(name, outcome, lifted, by.id)))
  const isDone = outcome.reason === 'locked' || outcome.reason === 'unlocked'
  const decision = { outcome: isDone ? 'accepted' : 'ignored', reason: outcome.reason, detail: name } as const
  await decideOnly(deps, scene, decision)
}

const POLITE = /^(please|pls|now|thanks|thx)[.!]?$/i
const UNLOCKS =
  '`unlock <env>` stands alone, and lifts its lock; with a commit that was taken back (seven digits at least) it lets that go live again. Nothing was changed.'
const LIFTED = say`🔓 **That commit may go live there again**, and what has it; who said so stands in the history of the environment.`

function isInfo(text: string): boolean {
  return /^(--?info|\?)$/i.test(text.trim())
}

/** What was done, in a sentence. Told again after a crash, it was done already, by the same person. */
function doneText(
  name: string,
  { reason, state }: EnvironmentOutcome,
  lifted: EnvironmentState['lock'],
  byId: number,
): Own {
  const { lock } = state
  if (reason === 'locked' || (reason === 'locked_already' && lock?.by.id === byId))
    return say`🔒 **${name} is locked**: nothing is deployed there until it is unlocked. What is under way goes on to its verdict.`
  if (reason === 'locked_already' && lock)
    return say`${name} is locked already, by ${lock.by.login} since ${clockTime(lock.at)}. Nothing was changed.`
  if (reason === 'unlocked')
    return say`🔓 **${name} is unlocked**${lifted ? say`; ${lifted.by.login} had locked it` : say``}. Whoever waits goes on by themselves.`
  return say`${name} is not locked.`
}
