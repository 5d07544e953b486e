import { accountIn, type ChannelName, type Surface } from './channels/registry.ts'

/**
 * What was said in a channel other than GitHub, normalised: who, where, when, and what. Pure data; which repository and which
 * GitHub account that is, is found out afterwards.
 */

export type { ChannelName, Surface } from './channels/registry.ts'
export {
  accountIn,
  channelNames,
  channelNamed,
  channelTraits,
  isAside,
  isTicket,
  surfaceKey,
  surfaceName,
  ticketName,
  titleOf,
} from './channels/registry.ts'

/** Whose limits at the provider a surface counts towards: the workspace or site, with its channel. */
export function surfaceAccount(surface: Surface): string {
  return `${surface.channel}:${accountIn(surface)}`
}

/** The workspace or site of an account with its channel (`slack:T0123`). */
export function bareAccount(channel: ChannelName, account: string | undefined): string {
  return (account ?? '').replace(`${channel}:`, '')
}

/** Somebody's account in a channel. Authority never comes from here: only from the GitHub account that it is linked to. */
export interface Member {
  readonly channel: ChannelName
  /** The workspace or site that the account belongs to. */
  readonly account: string
  readonly id: string
  /** For people to read; means nothing. */
  readonly name: string
  readonly isBot: boolean
  /** From another workspace (Slack Connect). */
  readonly isStranger: boolean
}

export interface Said {
  /** As the platform calls it. */
  readonly kind: string
  readonly surface: Surface
  readonly by: Member
  /** Who wrote the words, where that is somebody else. */
  readonly author?: Member | undefined
  /** By the platform's clock, ms; NaN where it does not say. */
  readonly writtenAt: number
  readonly what: SaidWhat
}

/** A ticket as its event brought it, or as it is now. */
export interface Ticket {
  readonly title: string
  readonly body: string
  /** What it belongs to, the narrowest first: a project of Jira's; a list, folder and space of ClickUp's. */
  readonly projects: readonly string[]
  readonly labels: readonly string[]
  readonly url: string
  /** Who wrote it; undefined where that is not told. */
  readonly author: Member | undefined
}

export type SaidWhat =
  | {
      readonly type: 'text'
      /** As Markdown, with Muster's own mention written `@muster`. */
      readonly text: string
      readonly messageId: string
      /** Addressed to Muster: a mention, a direct message. */
      readonly mentioned: boolean
      readonly ticket: Ticket | undefined
      /** Handed over, not said to Muster: a request, and never a command. */
      readonly handed?: boolean
    }
  | { readonly type: 'button'; readonly action: string; readonly value: string; readonly messageId: string }
  /** Muster was assigned. */
  | { readonly type: 'assigned'; readonly ticket: Ticket | undefined }
  /** Labels (tags) were put on. */
  | { readonly type: 'labelled'; readonly labels: readonly string[]; readonly ticket: Ticket | undefined }
  | { readonly type: 'gone' }
  /** Asks for a form, where the channel has such. `trigger` is good for a moment only. */
  | { readonly type: 'form'; readonly form: 'answer' | 'repository'; readonly trigger: string; readonly value: string }
  /** One of the repositories that were offered for an earlier request, by that request's event. */
  | { readonly type: 'chosen'; readonly repository: string; readonly event: string }
  /** Looks at what Muster shows one person about their work. */
  | { readonly type: 'home' }
  /** Shared addresses of Muster's own. */
  | { readonly type: 'shared'; readonly urls: readonly string[]; readonly messageId: string }

/** A message of the conversation in which something is asked for, as its channel tells it. */
export interface Remark {
  readonly by: Member
  /** By the platform's clock, ms. */
  readonly at: number
  /** As Markdown. */
  readonly text: string
  /** Files and pictures, as people call them: Muster sees their names alone. */
  readonly attached: readonly string[]
  /** Somebody else's message that was passed on. */
  readonly isForwarded: boolean
}

/** Tells accounts of all channels from each other. */
export function memberKey({ channel, account, id }: Member): string {
  return `${channel}:${account}/${id}`
}
