/**
 * What was said in a channel other than GitHub, normalised: who, where, when, and what. Pure data; which repository and which
 * GitHub account that is, is found out afterwards.
 */

/** A place outside GitHub where a conversation is held. */
export type Surface = (
  | /** A thread, by the message it hangs on. */
  {
      readonly channel: 'slack'
      readonly team: string
      readonly room: string
      readonly thread: string
      /** Where a command can be answered that was said in no thread, for a while. */
      readonly respond?: string | undefined
    }
  | { readonly channel: 'jira'; readonly site: string; readonly ticket: string; readonly name: string }
  | { readonly channel: 'clickup'; readonly team: string; readonly ticket: string }
) & {
  /** Where people can look at it, once that is known. */
  readonly url?: string | undefined
}

export type ChannelName = Surface['channel']

/** The channels beside GitHub, as people call them. */
export const CHANNELS: Readonly<Record<ChannelName, string>> = { slack: 'Slack', jira: 'Jira', clickup: 'ClickUp' }
/** The same as a list. */
export const CHANNEL_NAMES = ['slack', 'jira', 'clickup'] as const satisfies readonly ChannelName[]

/** A channel by its name; undefined where there is none of that name. */
export function channelNamed(text: unknown): ChannelName | undefined {
  return CHANNEL_NAMES.find((name) => name === text)
}

/** The conversation key of a surface. */
export function surfaceKey(surface: Surface): string {
  switch (surface.channel) {
    case 'slack':
      return `slack:${surface.team}/${surface.room}/${surface.thread}`
    case 'jira':
      return `jira:${surface.site}/${surface.ticket}`
    case 'clickup':
      return `clickup:${surface.team}/${surface.ticket}`
  }
}

/** The workspace or site of a surface. */
export function accountIn(surface: Surface): string {
  return surface.channel === 'jira' ? surface.site : surface.team
}

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

/** What people call a surface. */
export function surfaceName(surface: Surface): string {
  switch (surface.channel) {
    case 'slack':
      return 'the Slack thread'
    case 'jira':
      return surface.name
    case 'clickup':
      return 'the ClickUp task'
  }
}

/** Said by a command that stands in no thread: only its author sees what is answered. */
export function isAside(surface: Surface): boolean {
  return surface.channel === 'slack' && surface.thread.startsWith('command:')
}

export function isTicket(surface: Surface): boolean {
  return surface.channel !== 'slack'
}
