import type { EffectBody, EffectIntent, EffectKind, InsideBody } from './effects.ts'
import { type Surface, surfaceAccount, surfaceKey } from './said.ts'
import type { LostKind } from './task/types.ts'

/** What is true of a kind of effect. */
interface EffectTraits {
  /** Made from the newest state when it is sent, so that several changes become one edit. */
  readonly upsert: boolean
  /** `thread`: in line with whatever is newly said in its conversation; `own`: each thing that is edited by itself. */
  readonly lane: 'thread' | 'own'
  /** The lower, the sooner: acknowledgements, then answers and what the work goes on from, then the rest. */
  readonly priority: 0 | 1 | 2
  /** Edits of it are at least so far apart, ms; the last state always arrives. */
  readonly pauseMs: number
  /** Found again after a crash, it may show an old state, and is sent once more. */
  readonly rewrite: boolean
  /** The workflow goes on from its result. */
  readonly news: boolean
  /** Not sent any more once the work has been ended. */
  readonly stopsWhenOver: boolean
  /** What it is called where it can never be sent and the work depends on it: people take over. */
  readonly words: string | undefined
}

/** `again`: what the work goes on from, and `retry` sends again. */
type EffectTable = {
  readonly [Kind in EffectKind]: EffectTraits & { readonly again: Kind extends LostKind ? true : false }
}

/** Said once, in its order. */
const NEW = {
  upsert: false,
  lane: 'thread',
  priority: 1,
  pauseMs: 0,
  rewrite: false,
  news: false,
  stopsWhenOver: false,
  words: undefined,
  again: false,
} as const
/** Shown for a moment, or a sign that something was heard. */
const SIGN = { ...NEW, priority: 0 } as const
/** Said in its order, and rewritten there when it is decided. */
const ASKED = { ...NEW, upsert: true, priority: 2, rewrite: true } as const
/** Edited in place. */
const EDITED = { ...NEW, upsert: true, lane: 'own', priority: 2 } as const
/** What the work goes on from. */
const WORK = { ...NEW, news: true, stopsWhenOver: true } as const

/** Everything that differs from kind to kind. A kind without its line does not compile; nothing is told from its name. */
export const EFFECTS = {
  'status.upsert': { ...EDITED, rewrite: true, pauseMs: 2000 },
  'pr.body.upsert': EDITED,
  'check.upsert': EDITED,
  reaction: SIGN,
  comment: NEW,
  'comment.upsert': ASKED,
  'review.post': NEW,
  'review.reply': NEW,
  'review.request': NEW,
  // Unfinished work is kept on a branch of its own, whatever became of the task (see `isPointless`).
  'check.rerun': { ...NEW, lane: 'own' },
  'git.push': { ...WORK, words: 'pushing the branch' },
  'pr.open': { ...WORK, words: 'opening the pull request', again: true },
  'pr.ready': { ...WORK, words: 'marking the pull request as ready', again: true },
  'label.create': NEW,
  // A conversation that has lost its place gets one, though the work may be over.
  'issue.open': { ...WORK, stopsWhenOver: false, words: 'opening the issue', again: true },
  'deployment.create': { ...WORK, words: 'recording the deployment' },
  'deployment.status': NEW,
  'deployment.refuse': NEW,
  'card.upsert': { ...EDITED, rewrite: true },
  message: NEW,
  'message.upsert': ASKED,
  chart: NEW,
  form: SIGN,
  home: NEW,
  unfurl: NEW,
  whisper: NEW,
  seen: SIGN,
  'mark.upsert': EDITED,
  'ticket.move': NEW,
  'ticket.split': NEW,
  'ticket.link': NEW,
  'task.open': { ...NEW, lane: 'own' },
  'task.report': { ...NEW, lane: 'own' },
  'task.end': { ...NEW, lane: 'own' },
  // As it stands by then: what was said before is of no interest any more.
  'environment.turn': { ...NEW, lane: 'own', upsert: true },
  'task.turn': { ...NEW, lane: 'own', upsert: true },
} as const satisfies EffectTable

/** What is true of a stored effect. What cannot be read waits in line like the others, and is refused by whoever sends. */
export function traitsOf(kind: EffectKind): EffectTraits {
  return Object.hasOwn(EFFECTS, kind) ? EFFECTS[kind] : NEW
}

/** The kinds of which a second one replaces the first. */
export function upsertKinds(): string[] {
  return Object.entries(EFFECTS).flatMap(([kind, { upsert }]) => (upsert ? [kind] : []))
}

const INSIDE: Readonly<Record<InsideBody['kind'], true>> = {
  'task.open': true,
  'task.report': true,
  'task.end': true,
  'environment.turn': true,
  'task.turn': true,
}

/** Whether an effect is on a task or an environment, and nobody outside sees it. */
export function isInside(body: EffectBody): body is InsideBody {
  return Object.hasOwn(INSIDE, body.kind)
}

/** Whether `retry` sends it again. */
export function isSentAgain(kind: EffectKind): kind is LostKind {
  return Object.hasOwn(EFFECTS, kind) && EFFECTS[kind].again
}

/** Where an effect stands in line. */
export interface Lane {
  /** What is sent one after the other: everything new in a conversation; each thing that is edited by itself. */
  readonly lane: string
  /** Whose limits at the provider it counts towards. */
  readonly account: string
  /** The lower, the sooner: acknowledgements, then answers and what the work goes on from, then the rest. */
  readonly priority: number
}

/** The lane of an effect. @param scope the task, or the conversation where there is none */
export function laneOf(scope: string, conversationId: string, { key, body }: EffectIntent): Lane {
  const surface: Surface | undefined = 'surface' in body ? body.surface : undefined
  const { lane, priority } = traitsOf(body.kind)
  // What another channel cannot take now keeps nobody waiting elsewhere.
  const thread = surface ? `${conversationId} ${surfaceKey(surface)}` : conversationId
  return {
    lane: lane === 'own' ? `${scope} ${key}` : thread,
    account: surface ? surfaceAccount(surface) : accountOf(body.place.repository.installationId),
    priority,
  }
}

/** An installation of the GitHub App, as limits and fairness count it. */
export function accountOf(installationId: number): string {
  return `github:${installationId}`
}
