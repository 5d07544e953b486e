import type { ChannelFacts } from '../channels/types.ts'
import type { Heard, Unheard } from '../core/heard.ts'
import type { Part } from '../core/inbound.ts'
import type { ChannelName, Said } from '../core/said.ts'
import type { Task } from '../core/task/types.ts'
import type { Platform, Receiver } from '../channels/types.ts'
import type { Apart, Leases } from '../leases/types.ts'
import type { Store } from '../store/types.ts'
import type { Fence } from '../leases/types.ts'
import type { Bulkhead } from './bulkhead.ts'
import type { Allowance } from './rate.ts'
import type { Environments, Workflow } from '../workflow/types.ts'
import type { Loaded, SettingsSource } from './settings.ts'

export interface InboxDeps {
  readonly store: Pick<Store, 'inbox' | 'tasks' | 'conversations' | 'effects' | 'people'>
  readonly workflow: Workflow
  readonly environments: Pick<Environments, 'apply' | 'get' | 'dora'>
  readonly receiver: Receiver
  readonly platform: Platform
  readonly settings: SettingsSource
  /** Whether a repository is welcomed with a pull request. */
  readonly onboards: boolean
  /** Whether somebody may give one more command now. */
  readonly mayAsk: (who: string) => Promise<Allowance>
  /** Reads what other channels sent; undefined: the channel is not switched on. */
  readonly readers: Readonly<
    Partial<Record<ChannelName, (body: Uint8Array, account: string | undefined) => Promise<Said | Unheard>>>
  >
  /** Facts about those channels, asked live. */
  readonly facts: Readonly<Partial<Record<ChannelName, ChannelFacts>>>
  /** The repository that the settings name for a project's tickets. */
  readonly mapped: (
    channel: ChannelName,
    projects: readonly string[],
  ) => { readonly owner: string; readonly name: string } | undefined
  /** People removed the app there: its tokens are good no more. */
  readonly uninstalled: (channel: ChannelName, account: string) => Promise<void>
  /** Where Muster itself is reached. */
  readonly publicUrl: string
  /** GitHub's address, as people see it. */
  readonly githubUrl: string
  /** Where people sign in to show which GitHub account is theirs. */
  readonly linkUrl: (code: string) => string
  readonly newId: () => string
  readonly leases: Pick<Leases, 'acquire'>
  /** Keeps an account whose service does not answer from taking the places of all others. */
  readonly bulkhead: Bulkhead
  /** Handles a suspected event in a process of its own. */
  readonly apart: Apart
  readonly now: () => number
  readonly random: () => number
  /** Lines that are logged inside say which delivery they belong to. */
  readonly within: <T>(fields: { delivery: string }, action: () => Promise<T>) => Promise<T>
  readonly kick: () => void
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
}

/** One event, with all that is known of where it came from. */
export interface Scene {
  readonly eventId: string
  readonly receivedAt: number
  readonly heard: Heard
  readonly conversationId: string
  readonly task: Task | undefined
  readonly loaded: Loaded
  /** Which of several commands of the event this is. */
  readonly part: Part
  /** Which command of the event goes on after a sign-in; undefined where it is a first one. */
  readonly only?: number | undefined
  /** The claim on the conversation. */
  readonly fence: Fence
}

/** The one command of most events. */
export const ONLY: Part = { nth: 0, isLast: true, earlier: [] }

export function inboundOf({ eventId, heard, part, fence }: Scene): {
  inbound: { id: string; kind: string; part: Part }
  fence: Fence
} {
  return { inbound: { id: eventId, kind: heard.kind, part }, fence }
}
