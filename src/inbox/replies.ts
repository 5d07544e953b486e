import { hashOf } from '../core/hash.ts'
import type { Button, EffectIntent, Mark, Thread, ReactsTo } from '../core/effects.ts'
import type { Heard } from '../core/heard.ts'
import { surfaceKey } from '../core/said.ts'
import { ask, brief, type Document, mono, say, table } from '../core/reply/document.ts'
import type { Decision } from '../core/deciding/commands.ts'
import type { InboxDeps, Scene } from './scene.ts'
import type { Loaded } from './settings.ts'

/** The place of what belongs to no repository. */
export const NOWHERE: Thread = {
  repository: { id: 0, owner: '', name: '', defaultBranch: '', installationId: 0 },
  number: 0,
}

/** The number at the end of a conversation key: the issue or pull request. */
export function numberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('#') + 1))
}

/** A sign on what was heard, once: 👀, or what became of it where a channel has such. */
export function acknowledgement({ heard }: Scene, target: ReactsTo, mark: Mark = 'eyes'): EffectIntent {
  if (heard.elsewhere) {
    const { surface, messageId } = heard.elsewhere
    const body = { kind: 'seen', place: placeOf(heard), surface, messageId, mark } as const
    return { key: `seen:${surfaceKey(surface)}:${messageId}`, body }
  }
  const place = placeOf(heard)
  const key = `eyes:${target.on}:${target.on === 'issue' ? target.number : target.id}`
  return { key, body: { kind: 'reaction', place, target, content: 'eyes' } }
}

/** The same where no task is changed. */
export async function acknowledge({ store }: InboxDeps, scene: Scene, target: ReactsTo): Promise<void> {
  const { conversationId } = scene
  await store.effects.add(conversationId, conversationId, undefined, [acknowledgement(scene, target)])
}

/** A comment in answer to an event. */
export function answer(scene: Scene, document: Document, buttons: readonly Button[] = []): EffectIntent {
  const { heard } = scene
  const key = `reply:${nameOf(scene)}`
  if (heard.elsewhere)
    return {
      key,
      body: { kind: 'message', place: placeOf(heard), surface: heard.elsewhere.surface, document, buttons },
    }
  return { key, body: { kind: 'comment', place: placeOf(heard), document } }
}

/** The event, and which of its commands: each is answered. */
function nameOf({ eventId, part }: Scene): string {
  return part.nth === 0 ? eventId : `${eventId}:${part.nth}`
}

/** The thread on GitHub that something belongs to; number 0 where there is none. */
function placeOf({ repository, key, elsewhere }: Heard): Thread {
  return { repository, number: elsewhere ? 0 : numberOf(key) }
}

/** For the eyes of whoever said it, where the channel has such messages. */
export async function whisper({ store }: InboxDeps, scene: Scene, document: Document): Promise<void> {
  const { conversationId } = scene
  const said = whisperTo(scene, document)
  if (said) await store.effects.add(conversationId, conversationId, undefined, [said])
}

/** The same as an effect; undefined on GitHub. */
export function whisperTo(scene: Scene, document: Document): EffectIntent | undefined {
  const { heard } = scene
  if (!heard.elsewhere) return undefined
  const { surface, member } = heard.elsewhere
  const place = placeOf(heard)
  return {
    key: `whisper:${nameOf(scene)}`,
    body: { kind: 'whisper', place, surface, member: member.id, name: member.name, document },
  }
}

/**
 * A comment in answer to an event.
 * @param once where given, at most one of this kind is ever posted in the conversation (for the same text, where it is about settings)
 */
export async function reply(
  deps: InboxDeps,
  scene: Scene,
  document: Document,
  once?: 'refusal' | 'settings' | 'offer',
): Promise<void> {
  const { conversationId } = scene
  const said = answer(scene, document)
  const key =
    once === 'refusal' || once === 'offer'
      ? once
      : once === 'settings'
        ? `settings:${hashOf(document).slice(0, 16)}`
        : said.key
  await deps.store.effects.add(conversationId, conversationId, undefined, [{ ...said, key }])
}

/** Records what became of an event that changed no task. */
export async function decideOnly(deps: InboxDeps, scene: Scene, decision: Decision): Promise<void> {
  await deps.store.inbox.decide(scene.eventId, decision, {
    conversationId: scene.conversationId,
    taskId: scene.task?.id,
    kind: scene.heard.kind,
    part: scene.part,
  })
}

/** A settings file that cannot be used stops the work, and says where and why; defaults never stand in for it. */
export async function settingsInvalid(
  deps: InboxDeps,
  scene: Scene,
  loaded: Extract<Loaded, { ok: false }>,
): Promise<void> {
  const rows = loaded.problems
    .slice(0, 20)
    .map((problem) => [`${problem.line}`, mono(problem.key), brief(problem.expected, 300)])
  const document: Document = [
    ask(say`The settings file ${loaded.where} is not valid, so nothing was done. Please mend it, then ask again.`),
    table(['Line', 'Key', 'Expected'], rows),
  ]
  await reply(deps, scene, document, 'settings')
  await decideOnly(deps, scene, {
    outcome: 'refused',
    reason: 'settings_invalid',
    detail: loaded.problems.map((problem) => `line ${problem.line}, ${problem.key}: ${problem.expected}`).join('; '),
  })
}
