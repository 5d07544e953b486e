import { type ChannelName, channelNames } from './channels/registry.ts'
import type { Decision } from './deciding/commands.ts'

/** Where something may arrive from. */
export type Source = 'github' | ChannelName | 'api'

/** Every source that there is here. */
export function sources(): readonly Source[] {
  return ['github', ...channelNames(), 'api']
}

/** The source of what is stored; undefined where a newer version wrote it. */
export function knownSource(source: string): Source | undefined {
  return sources().find((one) => one === source)
}

/** Something that arrived, as it is stored before anything else happens. */
export interface Arrival {
  readonly source: Source
  readonly deliveryId: string
  /** `event.action`, as far as the headers tell; refined when it is read. */
  readonly kind: string
  readonly body: Uint8Array
  /** Where it was said, as a conversation key, where that can be told at once. */
  readonly lane?: string | undefined
  /** Whose limits and share it counts towards. */
  readonly account?: string | undefined
}

/** One of several commands in an event, carried out in order: each has an outcome of its own. */
export interface Part {
  /** Counted from 0. */
  readonly nth: number
  readonly isLast: boolean
  /** What became of the ones before. */
  readonly earlier: readonly Decision[]
}

/** The one decision about an event with several commands: it lists them all. */
export function wholeDecision(earlier: readonly Decision[], last: Decision): Decision {
  const all = [...earlier, last]
  if (all.length === 1) return last
  return {
    outcome: all.some(({ outcome }) => outcome === 'accepted') ? 'accepted' : last.outcome,
    reason: 'several',
    detail: all
      .map(({ outcome, reason, detail }, index) => `${index + 1}. ${outcome}: ${reason}${detail ? ` (${detail})` : ''}`)
      .join('; '),
  }
}

/** An inbound event with what became of it; `decision` is undefined until decided. */
export interface InboundEvent {
  readonly id: string
  readonly source: string
  readonly deliveryId: string
  readonly kind: string
  readonly receivedAt: Date
  readonly conversation: string | undefined
  readonly task: string | undefined
  readonly decision: Decision | undefined
}

/** Whether nothing more is to be done about an event. */
export function isDecided(event: InboundEvent): boolean {
  return event.decision !== undefined && event.decision.reason !== WILL_RETRY
}

/** So often an event that fails is tried before those behind it in its conversation may pass. */
export const HOLDS_UP = 5

/** The reason of an event whose handling failed for now. */
export const WILL_RETRY = 'will_retry'
